/** A token of a job that says outside who the job is, as its plan asks for it. */
export interface IdTokenSpec {
  /** Whom it is for, at least one; a text and a list of one text are different claims. */
  readonly audience: string | readonly string[]
  /** Milliseconds; absent: ID_TOKEN_MS. */
  readonly lifetimeMs?: number
  /** What its subject says besides the repository and the ref; absent: nothing. */
  readonly subject?: 'job'
  /** The job runs without it where it can't have it. */
  readonly optional?: true
}

/** How long a token is good unless the file says otherwise, and at least and at most. */
export const ID_TOKEN_MS = 5 * 60_000
export const SHORTEST_ID_TOKEN_MS = 10_000
export const LONGEST_ID_TOKEN_MS = 60 * 60_000

export const MOST_ID_TOKENS = 10
export const MOST_AUDIENCES = 5

const AUDIENCE = /^[!-~]{1,255}$/

/** Whether a token may be for this: printable characters without blanks. */
export function isAudience(text: string): boolean {
  return AUDIENCE.test(text)
}

/** All whom a token is for. */
export function audiencesOf({ audience }: Pick<IdTokenSpec, 'audience'>): readonly string[] {
  return typeof audience === 'string' ? [audience] : audience
}

/** The variable with the path of the file that has a token, always a fresh one. */
export function idTokenFileVariable(name: string): string {
  return `NARWHAL_ID_TOKEN_FILE_${name}`
}
