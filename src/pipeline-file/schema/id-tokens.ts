import { z } from 'zod'
import {
  isAudience,
  LONGEST_ID_TOKEN_MS,
  MOST_AUDIENCES,
  MOST_ID_TOKENS,
  SHORTEST_ID_TOKEN_MS,
} from '../../core/id-token/id-token.ts'
import { isReservedName } from '../../core/secret/secret-name.ts'
import { must } from '../words.ts'
import { duration, durationMs, flag } from './limits.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { envName } from './parts/names.ts'

const variable = envName
  .max(100)
  .refine((name) => !isReservedName(name), { error: 'is a variable that Narwhal sets itself' })

const audience = z
  .string({ error: must('an audience') })
  .refine(isAudience, { error: 'must have 1 to 255 printable characters, no spaces' })

const audiences = z.union(
  [
    audience,
    z
      .array(audience)
      .min(1)
      .max(MOST_AUDIENCES)
      .refine((all) => new Set(all).size === all.length, { error: 'contains a duplicate' }),
  ],
  { error: must('a string or a list of strings') },
)

const lifetime = duration.refine(
  (text) => durationMs(text) >= SHORTEST_ID_TOKEN_MS && durationMs(text) <= LONGEST_ID_TOKEN_MS,
  { error: 'must be from 10 seconds to an hour' },
)

export const idToken = group('an id token', {
  audience: requiredKey(
    audiences,
    'Who the token is for, as the other system names itself; at most five. A string becomes a string in the token, a list a list.',
    'sts.amazonaws.com',
    '[https://vault.example.com, https://deploy.example.com]',
  ),
  lifetime: key(
    lifetime,
    'How long a token is valid; five minutes by default, at most an hour. It never outlives the job.',
    '15m',
  ),
  subject: key(
    z.enum(['ref', 'job'], { error: 'must be ref or job' }),
    "The form of `sub`: `ref` (the default), or `job`, which includes the job's name.",
    'job',
  ),
  optional: key(
    flag,
    "`true`: if the job can't have the token, it runs without it, and its log says so.",
    'true',
  ),
})

/** Tokens by the variables that steps get them in. */
export const idTokens = z
  .record(variable, idToken, { error: must('a mapping of variables to tokens') })
  .refine((all) => Object.keys(all).length <= MOST_ID_TOKENS, {
    error: `must have at most ${MOST_ID_TOKENS} tokens`,
  })
export type IdTokens = z.infer<typeof idTokens>
