import { isIP } from 'node:net'
import { z } from 'zod'
import { REQUESTS_REACH, type UserRequests } from '../core/access/user-requests.ts'
import { CONTAINER_IDS } from '../core/container-ids.ts'
import { ENGINES } from '../core/placement/placement.ts'
import { STRANGER_EXECUTORS, type StrangerExecutor } from '../core/placement/strangers.ts'

/** Parsers for the values of settings. */

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
export const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'must be a duration like 30s, 10m or 1h')
  .transform((text) => {
    const [, count, unit] = /^(\d+)(\w+)$/.exec(text) ?? []
    return Number(count) * UNITS[unit as keyof typeof UNITS]
  })

const LONGEST_CLEANUP_MS = 10 * UNITS.m
export const cleanupTime = z
  .string()
  .transform((text) => (text === '0' ? '0s' : text))
  .pipe(duration)
  .refine((ms) => ms <= LONGEST_CLEANUP_MS, 'must be at most 10m')

/** A sandbox that has not ended a step some seconds later counts as broken. */
const LONGEST_GRACE_MS = 12 * UNITS.s
export const stopGrace = duration.refine((ms) => ms <= LONGEST_GRACE_MS, 'must be at most 12s')

/** A retention period; never zero, so that nothing is deleted at once by mistake. */
export const keeping = z
  .string()
  .regex(/^(?:forever|[1-9]\d{0,5}d)$/, 'must be days like 90d, or forever')
  .transform((text) =>
    text === 'forever' ? ('forever' as const) : Number.parseInt(text, 10) * UNITS.d,
  )

const SIZES = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }
export const size = z
  .string()
  .regex(/^\d{1,9}[kmg]$/i, 'must be a size like 512m or 4g')
  .transform((text) => {
    const unit = text.slice(-1).toLowerCase() as keyof typeof SIZES
    return Number(text.slice(0, -1)) * SIZES[unit]
  })

export const integer = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,10}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`)

export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL like http://host:4748' })
  .transform((url) => url.replace(/\/$/, ''))

/** Other systems compare it byte for byte, so only a trailing slash is removed. */
export const issuerUrl = z
  .url({ protocol: /^https$/, error: 'must be a URL like https://tokens.example.com' })
  .regex(/^[^?#@]+$/, 'must have no query, no fragment and no user')
  .transform((url) => url.replace(/\/+$/, ''))

export const httpUrls = z.string().transform((text, context): readonly string[] => {
  const urls = text.split(',').map((part) => httpUrl.safeParse(part.trim()))
  if (urls.every((url) => url.success)) return [...new Set(urls.map(({ data }) => data))]
  context.addIssue('must be a comma-separated list of URLs like http://host:4748')
  return z.NEVER
})

export const database = z.string().transform((text, context) => {
  if (text.startsWith('sqlite:') && text.length > 7) {
    return { kind: 'sqlite', path: text.slice(7) } as const
  }
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) {
    return { kind: 'postgres', url: text } as const
  }
  context.addIssue('must be sqlite:PATH or postgres://user:password@host/database')
  return z.NEVER
})

export const broker = z.string().transform((text, context) => {
  if (text === 'embedded:') return { kind: 'embedded' } as const
  if (/^amqps?:\/\//.test(text) && URL.canParse(text)) {
    // `?prefix=` is Narwhal's own: it lets several installations share a broker.
    const url = new URL(text)
    const prefix = url.searchParams.get('prefix')
    url.searchParams.delete('prefix')
    if (prefix === null) return { kind: 'amqp', url: url.href } as const
    if (/^[A-Za-z0-9_-]{1,50}$/.test(prefix))
      return { kind: 'amqp', url: url.href, prefix } as const
  }
  context.addIssue(
    'must be embedded: or amqp://user:password@host, with ?prefix=NAME if it is shared',
  )
  return z.NEVER
})

/** The values of --executor; the fake executor is for tests. */
export const EXECUTORS = ENGINES.filter((engine) => engine !== 'fake').map((one) => `${one}:`)

export const executor = z.string().transform((text, context) => {
  const [, name, host] = /^([a-z]+):(.*)$/.exec(text) ?? []
  const kind = (['auto', ...ENGINES] as const).find((one) => one === name)
  if (kind && host === '') return { kind } as const
  if (kind === 'docker' && host && /^(?:unix|tcp|http):\/\/./.test(host))
    return { kind, host } as const
  context.addIssue(
    `must be auto:, docker:unix:///path/to/socket, or one of ${EXECUTORS.join(', ')}`,
  )
  return z.NEVER
})

/** Ids below are those of users. */
const FIRST_FREE_ID = 100_000
const LAST_FIRST_ID = 0xffff_ffff - CONTAINER_IDS.count

export const containerIds = integer(0, LAST_FIRST_ID).refine(
  (id) => id === 0 || id >= FIRST_FREE_ID,
  `must be 0, or ${FIRST_FREE_ID} at least`,
)

export const file = z.string().regex(/^[^\0]+$/, 'must be the path of a file')

export const secret = z.string().min(16, 'must have at least 16 characters')

/** Executors that may run strangers' jobs. */
export const strangers = z.string().transform((text, context): readonly StrangerExecutor[] => {
  if (text === 'none') return []
  const named = text.split(',').map((part) => STRANGER_EXECUTORS.find((one) => part === `${one}:`))
  if (named.every((one) => one !== undefined)) return [...new Set(named)]
  const words = 'must be oci:, docker:, both (comma-separated), or none'
  const never = /bubblewrap:|process:/.test(text)
  context.addIssue(
    never ? `${words}: strangers' code never runs on the machine's own root file system` : words,
  )
  return z.NEVER
})

export const choice = <const Word extends string>(
  words: readonly Word[],
): z.ZodType<Word, string> =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` }) as z.ZodType<Word, string>

/** `git.internal:443`, `10.1.2.3:8080` or `[fd00::5]:443`, comma-separated. */
export const hostPorts = z.string().transform((text, context) => {
  const parts = text.split(',').filter((part) => part.trim() !== '')
  const found = parts.map((part) => {
    const [, six, name, digits] =
      /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(part.trim()) ?? []
    const host = six ?? name
    const port = Number(digits)
    if (host === undefined || port < 1 || port > 65_535) return undefined
    return six !== undefined && isIP(six) !== 6 ? undefined : { host, port }
  })
  if (found.every((one) => one !== undefined)) return found
  context.addIssue('must be a comma-separated list of hosts with a port, like git.internal:443')
  return z.NEVER
})

/** `9.0.0.0/8` or `2001:db8::/32`, comma-separated. */
export const ranges = z.string().transform((text, context) => {
  const parts = text.split(',').map((part) => part.trim())
  const found = parts.filter((part) => part !== '')
  if (found.every(isRange)) return found
  context.addIssue('must be a comma-separated list of ranges like 9.0.0.0/8 or 2001:db8::/32')
  return z.NEVER
})

/** The reach of requests on behalf of users, and additional hosts and ranges; a single address is a range. */
export const userRequests = z.string().transform((text, context): UserRequests => {
  const [first = '', ...more] = text.split(',').map((part) => part.trim().toLowerCase())
  const reach = REQUESTS_REACH.find((one) => one === first)
  const named = more.map((one) => {
    const six = one.replace(/^\[(.*)\]$/, '$1')
    return { 0: one, 4: `${one}/32`, 6: `${six}/128` }[isIP(six)] ?? one
  })
  if (reach && named.every((one) => isRange(one) || HOST.test(one))) return { reach, named }
  const kinds = REQUESTS_REACH.join(', ')
  context.addIssue(
    `must be one of ${kinds}, optionally followed by hosts and ranges, as in public,git.internal,10.1.0.0/16`,
  )
  return z.NEVER
})

const HOST = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/

function isRange(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return more.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= most
}
