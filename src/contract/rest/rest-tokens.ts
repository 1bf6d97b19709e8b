import { z } from 'zod'
import { role } from './rest.ts'

/** Access tokens. */

const DAY_MS = 24 * 3_600_000
const TOKEN_LIFE_MS = 90 * DAY_MS
const MOST_TOKEN_LIFE_MS = 5 * 366 * DAY_MS

export const newToken = z.strictObject({
  name: z.string().min(1).max(100),
  /** The owner, by id or name; absent: the caller. */
  user: z.string().max(100).optional(),
  /** Milliseconds until it expires; by default 90 days. */
  lifeMs: z
    .union([z.literal('never'), z.number().int().min(60_000).max(MOST_TOKEN_LIFE_MS)])
    .default(TOKEN_LIFE_MS),
  /** Limits its rights; absent: those of its owner. */
  role: role.optional(),
  /** Limits it to these, by id or name; absent: all. */
  repositories: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
})
export type NewToken = z.input<typeof newToken>
/** `user`: the owner's name. */
const shownToken = z.object({
  id: z.string(),
  name: z.string(),
  user: z.string(),
  role: role.optional(),
  /** Names; the id of a removed one. */
  repositories: z.array(z.string()).optional(),
})
export const createdToken = shownToken.extend({
  token: z.string(),
  /** Absent: it doesn't expire. */
  expiresAt: z.number().optional(),
})
export type CreatedToken = z.infer<typeof createdToken>
export const tokenList = z.object({
  tokens: z.array(
    shownToken.extend({
      createdAt: z.number(),
      expiresAt: z.number().optional(),
      /** When it was last used, to the hour, and from which address. */
      usedAt: z.number().optional(),
      usedFrom: z.string().optional(),
    }),
  ),
})
export type TokenView = z.infer<typeof tokenList>['tokens'][number]
/** Revokes any kind of credential. */
export const revokeRequest = z.strictObject({ value: z.string().min(1).max(500) })
export const revoked = z.object({
  revoked: z.enum(['access token', 'join token', 'session']),
  id: z.string().optional(),
})
export const tokenParams = z.object({ token: z.string().regex(/^token_[0-9a-z]+$/) })
