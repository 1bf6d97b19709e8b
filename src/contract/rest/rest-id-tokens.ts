import { z } from 'zod'
import { KEY_STATES } from '../../core/id-token/id-token-keys.ts'

/** What the API says and takes about id tokens. */

const at = z.number().int()

export const idTokenKeyView = z
  .object({
    kid: z.string(),
    /** Shown already, but not signing; signing; shown for what it has signed; or not shown any more. */
    state: z.enum(KEY_STATES),
    createdAt: at,
    signsAt: at,
    leavesAt: at.optional(),
  })
  .meta({ id: 'IdTokenKey' })

export const idTokenState = z.object({
  /** What stands in every token as `iss`; absent: no issuer is set. */
  issuer: z.string().optional(),
  /** Why no tokens are made, in words. */
  trouble: z.string().optional(),
  /** Oldest first. */
  keys: z.array(idTokenKeyView),
})
export type IdTokenState = z.infer<typeof idTokenState>

/** The two documents as others fetch them from the issuer. */
export const idTokenDocuments = z.object({
  discovery: z.looseObject({ issuer: z.string(), jwks_uri: z.string() }),
  keys: z.object({ keys: z.array(z.looseObject({ kid: z.string() })) }),
})
export type IdTokenDocuments = z.infer<typeof idTokenDocuments>

export const rotateIdTokenKeys = z.strictObject({
  /** Sign by a new key at once, and take all others out of use: for a key that others may have. */
  now: z.boolean().default(false),
})

export const idTokenSubject = z.object({
  /** `sub` of a token with `subject: ref`. */
  sub: z.string(),
  /** `sub_ids`. */
  ids: z.string(),
})

export type IdTokenSubject = z.infer<typeof idTokenSubject>

export const idTokenSubjectQuery = z.strictObject({
  ref: z.string().max(1024).default('refs/heads/main'),
  /** With `subject: job`, for the job of this name. */
  job: z.string().max(64).optional(),
})
