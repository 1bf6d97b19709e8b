import type { RunnerId, UserId } from '../core/ids.ts'
import type { Asker, JoinTokenRecord, TokenRecord, UserRecord } from './records.ts'

/** What people, programs and processes show, and whose it is. Of each the store has the hash alone. */

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

/** A runner that joins shows a token. */
export interface JoinTokenUse {
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  readonly at: number
  readonly runnerId: RunnerId
}

export interface CredentialReader {
  /** Whose the token with this hash is, as long as it has not come to its end. */
  findUserByToken(hash: string): Promise<Asker | undefined>
  /** The token with this hash, also one that is over. */
  findToken(hash: string): Promise<TokenRecord | undefined>
  /** Whether this is the hash of what a web process shows that hands commands on, at this moment. */
  isForwarder(hash: string, at: number): Promise<boolean>
  /** Also one that is over. */
  findSession(
    hash: string,
  ): Promise<{ readonly user: UserRecord; readonly session: SessionRecord } | undefined>
  /** Also one that is used up or over. */
  findJoinToken(hash: string): Promise<JoinTokenRecord | undefined>
}

export interface CredentialWriter {
  insertToken(token: TokenRecord): Promise<void>
  removeToken(id: TokenRecord['id']): Promise<void>
  /** Does nothing for one that is not there any more. */
  noteTokenUse(use: {
    readonly hash: string
    readonly at: number
    readonly from: string
  }): Promise<void>

  /** A web process's credential, or its new end; by the way those go that are over. */
  putForwarder(forwarder: ForwarderRecord, at: number): Promise<void>
  /** Also forgets those that are over at its beginning. */
  insertSession(session: SessionRecord): Promise<void>
  /** Does nothing for one that is not there any more. */
  touchSession(hash: string, seenAt: number): Promise<void>
  /** Whether it was there. */
  removeSession(hash: string): Promise<boolean>
  /** In the place of the user's former one. */
  putSignInLink(link: SignInLinkRecord): Promise<void>
  /**
   * Uses a link up and returns whose it is; undefined when there is none with this hash, or it is over.
   * However many try at a time, one of them gets it.
   */
  takeSignInLink(hash: string, at: number): Promise<UserId | undefined>

  /** Also forgets the tokens that expired more than a week before this one was made. */
  insertJoinToken(token: JoinTokenRecord): Promise<void>
  /**
   * Uses a token once more and returns it; undefined when there is none with this hash, or it was used
   * as often as it may be, or it has expired. However many try at a time, no more get it than may.
   */
  useJoinToken(use: JoinTokenUse): Promise<JoinTokenRecord | undefined>
  removeJoinToken(id: JoinTokenRecord['id']): Promise<void>
}
