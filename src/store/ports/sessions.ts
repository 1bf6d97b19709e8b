import type { UserId } from '../../core/ids.ts'
import type { UserRecord } from '../records.ts'

/** What a web process shows to dispatchers, as its hash. */
export interface ForwarderRecord {
  readonly hash: string
  readonly endsAt: number
}

/** A browser that has signed in. */
export interface SessionRecord {
  /** SHA-256 of what it keeps, hexadecimal. */
  readonly hash: string
  readonly userId: UserId
  readonly createdAt: number
  /** When it was used last, to some minutes. */
  readonly seenAt: number
  readonly endsAt: number
}

/** By which a browser signs in once; of each user there is one at most. */
export interface SignInLinkRecord {
  readonly userId: UserId
  /** SHA-256 of its code, hexadecimal. */
  readonly hash: string
  readonly endsAt: number
}

/** Browsers that have signed in. */
export interface SessionReader {
  /** Also one that is over. */
  find(
    hash: string,
  ): Promise<{ readonly user: UserRecord; readonly session: SessionRecord } | undefined>
}

export interface SessionWriter extends SessionReader {
  /** Also forgets those that are over at its beginning. */
  insert(session: SessionRecord): Promise<void>
  /** Does nothing for one that is not there any more. */
  touch(hash: string, seenAt: number): Promise<void>
  /** Whether it was there. */
  remove(hash: string): Promise<boolean>
}

/** Links by which a browser signs in once. */
export interface SignInLinkWriter {
  /** In the place of the user's former one. */
  put(link: SignInLinkRecord): Promise<void>
  /**
   * Uses a link up and returns whose it is; undefined when there is none with this hash, or it is over.
   * However many try at a time, one of them gets it.
   */
  take(hash: string, at: number): Promise<UserId | undefined>
}

/** What web processes show to dispatchers. */
export interface ForwarderReader {
  /** Whether this is the hash of what a web process shows that hands commands on, at this moment. */
  isKnown(hash: string, at: number): Promise<boolean>
}

export interface ForwarderWriter extends ForwarderReader {
  /** A web process's credential, or its new end; by the way those go that are over. */
  put(forwarder: ForwarderRecord, at: number): Promise<void>
}
