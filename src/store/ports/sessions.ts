import type { UserId } from '../../core/ids.ts'
import type { UserRecord } from '../records.ts'

/** A web process's credential for dispatchers, as a hash. */
export interface ForwarderRecord {
  readonly hash: string
  readonly endsAt: number
}

/** A signed-in browser. */
export interface SessionRecord {
  /** SHA-256 of its cookie, hexadecimal. */
  readonly hash: string
  readonly userId: UserId
  readonly createdAt: number
  /** When it was last used, to a few minutes. */
  readonly seenAt: number
  readonly endsAt: number
}

/** A one-time link to sign in; at most one for each user. */
export interface SignInLinkRecord {
  readonly userId: UserId
  /** SHA-256 of its code, hexadecimal. */
  readonly hash: string
  readonly endsAt: number
}

/** Signed-in browsers. */
export interface SessionReader {
  /** Also finds an expired one. */
  find(
    hash: string,
  ): Promise<{ readonly user: UserRecord; readonly session: SessionRecord } | undefined>
}

export interface SessionWriter extends SessionReader {
  /** Also deletes sessions that have expired by the time of its creation. */
  insert(session: SessionRecord): Promise<void>
  /** Does nothing if it no longer exists. */
  touch(hash: string, seenAt: number): Promise<void>
  /** Returns whether it existed. */
  remove(hash: string): Promise<boolean>
}

/** One-time links to sign in. */
export interface SignInLinkWriter {
  /** Replaces the user's previous one. */
  put(link: SignInLinkRecord): Promise<void>
  /**
   * Consumes a link and returns its user; undefined if there is none with this hash or it has expired.
   * Of concurrent calls one succeeds.
   */
  take(hash: string, at: number): Promise<UserId | undefined>
}

/** Credentials of web processes for dispatchers. */
export interface ForwarderReader {
  /** Whether this is the hash of a web process's credential that is valid at this time. */
  isKnown(hash: string, at: number): Promise<boolean>
}

export interface ForwarderWriter extends ForwarderReader {
  /** Inserts or extends a web process's credential, and deletes expired ones. */
  put(forwarder: ForwarderRecord, at: number): Promise<void>
}
