import { isAbortedTransactionError, sql } from 'kysely'
import type { StateChange } from '../../contract/live/live-event.ts'
import type { DatabaseRoom } from '../../core/database-room.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Store, StoreWriter } from '../store.ts'
import { sqlReader } from './sql-reader.ts'
import { sqlWriter } from './sql-writer.ts'
import type { Db } from './tables.ts'

/** An open database, whose errors are NarwhalErrors. */
export interface Engine extends AsyncDisposable {
  /** Where transactions run. */
  readonly writing: Db
  /** Where reads run outside transactions; the same, or connections that don't wait for transactions. */
  readonly reading: Db
  room(): Promise<DatabaseRoom>
  /** As of Store. */
  giveBack?(): Promise<boolean>
  /** As of Store. */
  wipe?(): Promise<boolean>
}

/** The store over either database. */
export function sqlStore(engine: Engine): Store {
  const transactions = new Transactions(engine.writing)
  return {
    ...sqlReader(engine.reading),
    transact: (work) => transactions.run(work),
    room: () => engine.room(),
    giveBack: async () => (await engine.giveBack?.()) ?? false,
    wipe: async () => (await engine.wipe?.()) ?? false,
    ping: async () => {
      await sql`select 1`.execute(engine.reading)
    },
    /** Waits for transactions in progress. */
    [Symbol.asyncDispose]: async () => {
      transactions.end()
      await engine[Symbol.asyncDispose]()
    },
  }
}

const MAX_TRIES = 8

/** Runs transactions and retries those that lost a race. */
export class Transactions {
  readonly #db: Db
  #haveEnded = false

  constructor(db: Db) {
    this.#db = db
  }

  async run<Result>(
    work: (write: StoreWriter) => Promise<Result>,
  ): Promise<{ result: Result; changes: StateChange[] }> {
    for (let tries = 1; ; tries++) {
      if (this.#haveEnded) throw new NarwhalError('unavailable', 'the store is closed')
      try {
        return await this.#tryOnce(work)
      } catch (error) {
        if (isAbortedTransactionError(error)) {
          const message = 'a transaction continued after one of its writes had failed'
          throw new NarwhalError('internal', message, { cause: error })
        }
        if (tries >= MAX_TRIES || !isLostRace(error)) throw error
        await backoff(tries, { firstMs: 5, maxMs: 250 })
      }
    }
  }

  /** Refuses further transactions. */
  end(): void {
    this.#haveEnded = true
  }

  #tryOnce<Result>(work: (write: StoreWriter) => Promise<Result>) {
    return this.#db.transaction().execute(async (transaction) => {
      const { write, finish } = sqlWriter(transaction)
      const result = await work(write)
      return { result, changes: await finish() }
    })
  }
}

/** Serialization failure or deadlock: the database rolled this transaction back in favour of another. */
function isLostRace(error: unknown): boolean {
  if (!(error instanceof NarwhalError) || !(error.cause instanceof Error)) return false
  const code = 'code' in error.cause ? error.cause.code : undefined
  return code === '40001' || code === '40P01'
}
