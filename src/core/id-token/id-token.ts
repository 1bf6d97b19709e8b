/** An id token as a job's plan requests it: it identifies the job to third parties. */
export interface IdTokenSpec {
  /** At least one; a string and a list of one string are different claims. */
  readonly audience: string | readonly string[]
  /** Milliseconds; absent: ID_TOKEN_MS. */
  readonly lifetimeMs?: number
  /** What the subject contains besides the repository and the ref; absent: nothing. */
  readonly subject?: 'job'
  /** If it can't be issued, the job runs without it. */
  readonly optional?: true
}

/** The default lifetime, the shortest and the longest. */
export const ID_TOKEN_MS = 5 * 60_000
export const SHORTEST_ID_TOKEN_MS = 10_000
export const LONGEST_ID_TOKEN_MS = 60 * 60_000

export const MOST_ID_TOKENS = 10
export const MOST_AUDIENCES = 5

const AUDIENCE = /^[!-~]{1,255}$/

/** Whether this is a valid audience: printable characters without spaces. */
export function isAudience(text: string): boolean {
  return AUDIENCE.test(text)
}

export function audiencesOf({ audience }: Pick<IdTokenSpec, 'audience'>): readonly string[] {
  return typeof audience === 'string' ? [audience] : audience
}

/** The variable with the path of the file that always holds a fresh token. */
export function idTokenFileVariable(name: string): string {
  return `NARWHAL_ID_TOKEN_FILE_${name}`
}
