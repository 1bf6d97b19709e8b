import { isAbortedTransactionError, sql } from 'kysely'
import type { StateChange } from '../../contract/live/live-event.ts'
import type { DatabaseRoom } from '../../core/database-room.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Store, StoreWriter } from '../store.ts'
import { sqlReader } from './sql-reader.ts'
import { sqlWriter } from './sql-writer.ts'
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

/** The store over either database. It is open from now until its disposal. */
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
    /** Transactions in progress end first. */
    [Symbol.asyncDispose]: async () => {
      transactions.end()
      await engine[Symbol.asyncDispose]()
    },
  }
}

const MOST_TRIES = 8

/** Runs transactions, each again where another got in its way. */
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
          const message = 'a transaction went on after one of its writes had failed'
          throw new NarwhalError('internal', message, { cause: error })
        }
        if (tries >= MOST_TRIES || !isLostRace(error)) throw error
        await backoff(tries, { firstMs: 5, maxMs: 250 })
      }
    }
  }

  /** None begins any more. */
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

/** Serialization failure and deadlock: the database undid this one so that another could go on. */
function isLostRace(error: unknown): boolean {
  if (!(error instanceof NarwhalError) || !(error.cause instanceof Error)) return false
  const code = 'code' in error.cause ? error.cause.code : undefined
  return code === '40001' || code === '40P01'
}
