import { isAbortedTransactionError, sql } from 'kysely'
import type { StateChange } from '../../contract/live/live-event.ts'
import type { DatabaseRoom } from '../../core/database-room.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Store, StoreWriter } from '../store.ts'
import { SqlReader } from './sql-reader.ts'
import { SqlWriter } from './sql-writer.ts'
import type { Db } from './tables.ts'

/** An open database. Its errors are NarwhalErrors already. */
export interface Engine extends AsyncDisposable {
  /** Where transactions run. */
  readonly writing: Db
  /** Where everything else is read; the same, or connections that don't wait for transactions. */
  readonly reading: Db
  room(): Promise<DatabaseRoom>
  /** As of Store. */
  giveBack?(): Promise<boolean>
  /** As of Store. */
  wipe?(): Promise<boolean>
}

const MOST_TRIES = 8

/** The store over either database. It is open from its construction until its disposal. */
export class SqlStore extends SqlReader implements Store {
  readonly #engine: Engine
  #isClosed = false

  constructor(engine: Engine) {
    super(engine.reading)
    this.#engine = engine
  }

  async transact<Result>(
    work: (write: StoreWriter) => Promise<Result>,
  ): Promise<{ result: Result; changes: StateChange[] }> {
    for (let tries = 1; ; tries++) {
      if (this.#isClosed) throw new NarwhalError('unavailable', 'the store is closed')
      try {
        return await this.#tryOnce(work)
      } catch (error) {
        if (isAbortedTransactionError(error)) {
          const message = 'a transaction went on after one of its writes had failed'
          throw new NarwhalError('internal', message, { cause: error })
        }
        if (tries >= MOST_TRIES || !isLostRace(error)) throw error
        await backoff(tries, { firstMs: 5, maxMs: 250 })
      }
    }
  }

  #tryOnce<Result>(work: (write: StoreWriter) => Promise<Result>) {
    return this.#engine.writing.transaction().execute(async (transaction) => {
      const writer = new SqlWriter(transaction)
      const result = await work(writer)
      return { result, changes: await writer.finish() }
    })
  }

  async room(): Promise<DatabaseRoom> {
    return await this.#engine.room()
  }

  async giveBack(): Promise<boolean> {
    return (await this.#engine.giveBack?.()) ?? false
  }

  async wipe(): Promise<boolean> {
    return (await this.#engine.wipe?.()) ?? false
  }

  async ping(): Promise<void> {
    await sql`select 1`.execute(this.#engine.reading)
  }

  /** Transactions in progress end first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#engine[Symbol.asyncDispose]()
  }
}

/** Serialization failure and deadlock: the database undid this one so that another could go on. */
function isLostRace(error: unknown): boolean {
  if (!(error instanceof NarwhalError) || !(error.cause instanceof Error)) return false
  const code = 'code' in error.cause ? error.cause.code : undefined
  return code === '40001' || code === '40P01'
}
