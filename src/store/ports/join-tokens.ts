import type { RunnerId } from '../../core/ids.ts'
import type { JoinTokenRecord } from '../records.ts'

/** A runner that joins shows a token. */
export interface JoinTokenUse {
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  readonly at: number
  readonly runnerId: RunnerId
}

/** What runners show to join. */
export interface JoinTokenReader {
  /** Also one that is used up or over. */
  find(hash: string): Promise<JoinTokenRecord | undefined>
  /** Those that may still be used, and those that were used or have expired lately; oldest first. */
  list(): Promise<JoinTokenRecord[]>
}

export interface JoinTokenWriter extends JoinTokenReader {
  /** Also forgets the tokens that expired more than a week before this one was made. */
  insert(token: JoinTokenRecord): Promise<void>
  /**
   * Uses a token once more and returns it; undefined when there is none with this hash, or it was used
   * as often as it may be, or it has expired. However many try at a time, no more get it than may.
   */
  use(use: JoinTokenUse): Promise<JoinTokenRecord | undefined>
  remove(id: JoinTokenRecord['id']): Promise<void>
}
