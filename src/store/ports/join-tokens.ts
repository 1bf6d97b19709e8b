import type { RunnerId } from '../../core/ids.ts'
import type { JoinTokenRecord } from '../records.ts'

/** A runner's attempt to join by a token. */
export interface JoinTokenUse {
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  readonly at: number
  readonly runnerId: RunnerId
}

/** Join tokens of runners. */
export interface JoinTokenReader {
  /** Also finds a used or expired one. */
  find(hash: string): Promise<JoinTokenRecord | undefined>
  /** Usable tokens, and those used or expired within the last week; oldest first. */
  list(): Promise<JoinTokenRecord[]>
}

export interface JoinTokenWriter extends JoinTokenReader {
  /** Also deletes tokens that expired more than a week before this one was created. */
  insert(token: JoinTokenRecord): Promise<void>
  /**
   * Counts one use of a token and returns it; undefined if there is none with this hash, all its uses
   * are taken, or it has expired. Holds under concurrent calls.
   */
  use(use: JoinTokenUse): Promise<JoinTokenRecord | undefined>
  remove(id: JoinTokenRecord['id']): Promise<void>
}
