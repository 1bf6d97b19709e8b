import { z } from 'zod'
import { must } from '../words.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'

const UNITS = { h: 3_600_000, m: 60_000, s: 1_000 } as const
const DURATION = /^(?=.)(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$/

/** A duration: `90s`, `10m`, `1h30m`; from a second to a week. */
export const duration = z
  .string({ error: must('a duration such as 90s, 10m or 1h30m') })
  .regex(DURATION, 'must be a duration such as 90s, 10m or 1h30m')
  .refine((text) => !DURATION.test(text) || durationMs(text) >= 1_000, {
    error: 'must be at least one second',
  })
  .refine((text) => durationMs(text) <= 7 * 24 * UNITS.h, { error: 'must be at most a week' })

export function durationMs(text: string): number {
  const [, h = 0, m = 0, s = 0] = DURATION.exec(text) ?? []
  return Number(h) * UNITS.h + Number(m) * UNITS.m + Number(s) * UNITS.s
}

export function wholeNumber(from: number, to: number) {
  const words = `a whole number from ${from} to ${to}`
  const error = ({ input }: { readonly input?: unknown }) =>
    input === undefined ? `is missing: it must be ${words}` : `must be ${words}`
  return z.number({ error }).int({ error }).min(from, { error }).max(to, { error })
}

export const stepRetry = wholeNumber(0, 10)

export const RETRY_OUTCOMES = ['failure', 'timeout', 'error'] as const

export const jobRetryMapping = group('retry', {
  count: requiredKey(wholeNumber(0, 10), 'How often the job is retried.', '2'),
  on: key(
    z
      .array(z.enum(RETRY_OUTCOMES, { error: `must be one of ${RETRY_OUTCOMES.join(', ')}` }), {
        error: must('a list of outcomes'),
      })
      .min(1),
    'After which outcomes; default: `failure` and `timeout`.',
    '[timeout]',
  ),
})

export const jobRetry = z.union([wholeNumber(0, 10), jobRetryMapping], {
  error: must('a number or a mapping'),
})

export const priority = wholeNumber(-100, 100)

export const flag = z.boolean({ error: must('true or false') })

const MEMORY = /^(\d{1,6})(Mi|Gi)$/

export const resources = group('resources', {
  cpu: key(
    z
      .number({ error: must('a number of processors') })
      .min(0.1, 'must be at least 0.1')
      .max(1024, 'must be at most 1024'),
    'Number of processors; fractions are allowed.',
    '0.5',
  ),
  memory: key(
    z
      .string({ error: must('an amount of memory such as 512Mi or 4Gi') })
      .regex(MEMORY, 'must be an amount of memory such as 512Mi or 4Gi')
      .refine((text) => !MEMORY.test(text) || memoryBytes(text) >= 16 * 1024 * 1024, {
        error: 'must be at least 16Mi',
      }),
    'Memory, in `Mi` or `Gi`.',
    '512Mi',
  ),
})

export function memoryBytes(text: string): number {
  const [, count, unit] = MEMORY.exec(text) ?? []
  return Number(count) * 1024 ** (unit === 'Gi' ? 3 : 2)
}
