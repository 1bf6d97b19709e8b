import { z } from 'zod'
import { OPENINGS, type Opening } from '../core/access/opening.ts'
import { setting } from './setting.ts'
import { secret } from './values.ts'

/** Credentials, and what is open without one; see the manual's page "Access". */
export const ACCESS_SETTINGS = {
  token: setting({
    value: 'token',
    help: 'the join token of a runner, used once: see `narwhal runner token`; or an access token',
    schema: z.string().min(1),
  }),
  'first-token': setting({
    value: 'secret',
    help: 'the first access token, used if there is none yet; by default one is created',
    schema: z
      .string()
      .regex(/^[!-~]{32,200}$/, 'must have 32 to 200 printable characters, no spaces'),
  }),
  open: setting({
    value: 'list',
    help: `endpoints that require no credential, separated by commas: ${OPENINGS.join(', ')}`,
    schema: z.string().transform((text, context): readonly Opening[] => {
      const names = text.split(',').filter((name) => name !== '')
      const known = OPENINGS.filter((name) => names.includes(name))
      if (known.length === new Set(names).size) return known
      context.addIssue(`must be a comma-separated list; possible entries: ${OPENINGS.join(', ')}`)
      return z.NEVER
    }),
    fallback: '',
  }),
  'metrics-token': setting({
    value: 'secret',
    help: 'the bearer token for /metrics, and nothing else: for Prometheus',
    schema: secret,
  }),
  'runner-token': setting({
    value: 'secret',
    help: 'the token that a dialled runner requires from dispatchers; by default one is created',
    schema: secret,
  }),
} as const
