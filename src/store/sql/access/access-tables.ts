/** Rows of credentials of people, runners and jobs. */

export interface JoinTokenRow {
  id: string
  hash: string
  /** JSON of string[] */
  labels: string
  created_at: number
  expires_at: number
  used_at: number | null
  runner_id: string | null
  uses: number
  used: number
  /** JSON of string[]; null: any. */
  sources: string | null
}

export interface TokenRow {
  id: string
  user_id: string
  name: string
  hash: string
  created_at: number
  ends_at: number | null
  used_at: number | null
  used_from: string | null
  /** Null: its owner's. */
  role: string | null
  /** JSON of RepositoryId[]; null: all. */
  repositories: string | null
}

export interface ForwarderRow {
  hash: string
  ends_at: number
}

export interface SessionRow {
  hash: string
  user_id: string
  created_at: number
  seen_at: number
  ends_at: number
}

export interface SignInLinkRow {
  user_id: string
  hash: string
  ends_at: number
}

export interface IdTokenKeyRow {
  kid: string
  /** JSON: a JWK. */
  public_key: string
  /** Sealed; empty: deleted. */
  private_key: string
  created_at: number
  signs_at: number
  leaves_at: number | null
}

/** The ids in the subjects of a repository's tokens, permanent from the first token on. */
export interface IdTokenSubjectRow {
  repository_id: string
  ids: string
}
