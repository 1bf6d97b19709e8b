import { setImmediate } from 'node:timers/promises'
import {
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { NarwhalError } from '../../lib/errors.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** Kysely's dialect for one connection of node:sqlite. */
export class SqliteDialect implements Dialect {
  readonly #connection: SqliteConnection
  readonly #begin: string

  /** `begin` is the statement that starts a transaction. */
  constructor(connection: SqliteConnection, begin: 'begin' | 'begin immediate') {
    this.#connection = connection
    this.#begin = begin
  }

  createDriver(): Driver {
    return new SqliteDriver(this.#connection, this.#begin)
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }

  createAdapter(): DialectAdapter {
    return new Adapter()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

class Adapter extends SqliteAdapter {
  /** Migrations run in a `begin immediate`, which also excludes other processes. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  /** The driver below queues callers for its single connection itself. */
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

const LONGEST_RUN_MS = 5

/** A single connection, acquired for a statement or a whole transaction, first come first served. */
class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection
  readonly #begin: string
  #isTaken = false
  #isClosed = false
  #hasRunSince = 0
  readonly #waiting: (() => void)[] = []

  constructor(connection: SqliteConnection, begin: string) {
    this.#connection = connection
    this.#begin = begin
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SqliteConnection> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    if (this.#isClosed) {
      this.#passOn()
      throw new NarwhalError('unavailable', 'the store is closed')
    }
    await this.#letOthersRun()
    return this.#connection
  }

  /**
   * node:sqlite is synchronous, so a loop of awaited queries would never yield to the event loop and
   * would starve timers and sockets.
   */
  async #letOthersRun(): Promise<void> {
    if (performance.now() - this.#hasRunSince < LONGEST_RUN_MS) return
    await setImmediate()
    this.#hasRunSince = performance.now()
  }

  async releaseConnection(): Promise<void> {
    this.#passOn()
  }

  /** Stays taken while it is passed on, so that nobody jumps the queue. */
  #passOn(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#isTaken = false
  }

  async beginTransaction(): Promise<void> {
    await this.#connection.execute(this.#begin)
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.execute('commit')
  }

  /** Some errors (a full disk) roll it back already. */
  async rollbackTransaction(): Promise<void> {
    if (this.#connection.isInTransaction) await this.#connection.execute('rollback')
  }

  /** Waits for earlier callers. */
  async destroy(): Promise<void> {
    const connection = await this.acquireConnection()
    this.#isClosed = true
    connection.close()
    this.#passOn()
  }
}
