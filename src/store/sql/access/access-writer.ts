import type { Role } from '../../../core/access/role.ts'
import type { UserId } from '../../../core/ids.ts'
import type {
  ForwarderRecord,
  JoinTokenUse,
  SessionRecord,
  SignInLinkRecord,
} from '../../credentials.ts'
import type { JoinTokenRecord, TokenRecord, UserRecord } from '../../records.ts'
import { SqlReader } from '../sql-reader.ts'
import type { Db } from '../tables.ts'
import { putForwarder } from './forwarders.ts'
import { insertJoinToken, removeJoinToken, useJoinToken } from './join-tokens.ts'
import {
  insertSession,
  putSignInLink,
  removeSession,
  takeSignInLink,
  touchSession,
} from './sessions.ts'
import { insertToken, noteTokenUse, removeToken } from './tokens.ts'
import { insertUser, removeUser, setRole } from './users.ts'

/** The part of a transaction's writer that is about users, and what they and runners show. */
export class AccessWriter extends SqlReader {
  readonly #db: Db

  constructor(db: Db) {
    super(db)
    this.#db = db
  }

  insertUser(user: UserRecord): Promise<void> {
    return insertUser(this.#db, user)
  }

  setRole(id: UserId, role: Role): Promise<void> {
    return setRole(this.#db, id, role)
  }

  removeUser(id: UserId): Promise<void> {
    return removeUser(this.#db, id)
  }

  insertToken(token: TokenRecord): Promise<void> {
    return insertToken(this.#db, token)
  }

  removeToken(id: TokenRecord['id']): Promise<void> {
    return removeToken(this.#db, id)
  }

  noteTokenUse(use: { hash: string; at: number; from: string }): Promise<void> {
    return noteTokenUse(this.#db, use)
  }

  putForwarder(forwarder: ForwarderRecord, at: number): Promise<void> {
    return putForwarder(this.#db, forwarder, at)
  }

  insertSession(session: SessionRecord): Promise<void> {
    return insertSession(this.#db, session)
  }

  touchSession(hash: string, seenAt: number): Promise<void> {
    return touchSession(this.#db, hash, seenAt)
  }

  removeSession(hash: string): Promise<boolean> {
    return removeSession(this.#db, hash)
  }

  putSignInLink(link: SignInLinkRecord): Promise<void> {
    return putSignInLink(this.#db, link)
  }

  takeSignInLink(hash: string, at: number): Promise<UserId | undefined> {
    return takeSignInLink(this.#db, hash, at)
  }

  insertJoinToken(token: JoinTokenRecord): Promise<void> {
    return insertJoinToken(this.#db, token)
  }

  useJoinToken(use: JoinTokenUse): Promise<JoinTokenRecord | undefined> {
    return useJoinToken(this.#db, use)
  }

  removeJoinToken(id: JoinTokenRecord['id']): Promise<void> {
    return removeJoinToken(this.#db, id)
  }
}
