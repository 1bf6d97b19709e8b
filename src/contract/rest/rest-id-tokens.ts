import { z } from 'zod'
import { KEY_STATES } from '../../core/id-token/id-token-keys.ts'

const at = z.number().int()

export const idTokenKeyView = z
  .object({
    kid: z.string(),
    /** Published but not signing yet; signing; published for what it signed; no longer published. */
    state: z.enum(KEY_STATES),
    createdAt: at,
    signsAt: at,
    leavesAt: at.optional(),
  })
  .meta({ id: 'IdTokenKey' })

export const idTokenState = z.object({
  /** `iss` of every token; absent: no issuer is set. */
  issuer: z.string().optional(),
  /** Why no tokens can be issued. */
  trouble: z.string().optional(),
  /** Oldest first. */
  keys: z.array(idTokenKeyView),
})
export type IdTokenState = z.infer<typeof idTokenState>

/** The two documents as published by the issuer. */
export const idTokenDocuments = z.object({
  discovery: z.looseObject({ issuer: z.string(), jwks_uri: z.string() }),
  keys: z.object({ keys: z.array(z.looseObject({ kid: z.string() })) }),
})
export type IdTokenDocuments = z.infer<typeof idTokenDocuments>

export const rotateIdTokenKeys = z.strictObject({
  /** Sign with a new key at once and withdraw all others: for a key that may have leaked. */
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
