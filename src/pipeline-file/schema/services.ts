import { z } from 'zod'
import { must } from '../words.ts'
import { duration, wholeNumber } from './limits.ts'
import { env } from './parts/env.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { image } from './parts/names.ts'
import { text } from './parts/text.ts'

const MOST_SERVICES = 10

/** The name under which steps reach it: a host name of one label. */
const serviceName = z
  .string()
  .regex(
    /^(?!localhost$)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "can't name a service: use 1 to 63 of a-z, 0-9 and -, starting with a letter",
  )

const port = wholeNumber(1, 65_535)
const script = text.regex(/\S/, 'must not be empty')

export const readyMapping = group('ready', {
  command: key(
    script,
    "A script for the service's own shell, retried until it exits with 0.",
    'pg_isready -U postgres',
  ),
  tcp: key(port, 'A port that it listens on once it is ready.', '5432'),
  timeout: key(duration, 'How long that may take; default: two minutes.', '5m'),
})

const ready = z.union(
  [
    script,
    readyMapping.refine(
      (given) => (given.command === undefined) !== (given.tcp === undefined),
      'must have either `command` or `tcp`',
    ),
  ],
  { error: must('a command or a mapping') },
)

const words = z.union(
  [
    text
      .regex(/\S/, 'must not be empty')
      .regex(
        /^[^'"\\$`*?;&|<>()\n]*$/,
        'must be a list if a word has quotes or other shell characters: [sh, -c, "a && b"]',
      ),
    z.array(text).min(1),
  ],
  { error: must('a string or a list of strings') },
)

export const serviceMapping = group('a service', {
  image: requiredKey(image, "The service's container image.", 'postgres:18'),
  env: key(
    env,
    "Its environment variables; it gets none of the job's.",
    '{ POSTGRES_PASSWORD: test }',
  ),
  command: key(
    words,
    "Arguments for the image's entry point, instead of the image's own.",
    'postgres -c fsync=off',
    '[redis-server, --save, ""]',
  ),
  ports: key(
    z
      .array(port, { error: must('a list of ports') })
      .min(1)
      .max(20),
    'The ports that it listens on: without `ready`, it is ready once it does.',
    '[5432]',
  ),
  ready: key(
    ready,
    'When the steps may start: once a command in the service exits with 0, or a port is open.',
    'pg_isready -U postgres',
    '{ tcp: 5432, timeout: 5m }',
  ),
})
export type Service = z.infer<typeof serviceMapping>

export const services = z
  .record(serviceName, serviceMapping, { error: must('a mapping of names to services') })
  .refine((all) => Object.keys(all).length <= MOST_SERVICES, {
    error: `must have at most ${MOST_SERVICES} services`,
  })
