import { backoff } from '../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { migrate } from './migrations/migrate.ts'
import { type Engine, sqlStore } from './sql/sql-store.ts'
import type { Store } from './store.ts'

export type StoreConfig =
  /** What is written to a `fleeting` one need not outlive a crash of the machine. */
  | { readonly kind: 'sqlite'; readonly path: string; readonly fleeting?: boolean }
  /** `poolSize` is the most connections at a time; 10 unless told. */
  | { readonly kind: 'postgres'; readonly url: string; readonly poolSize?: number }

/**
 * Opens the store and brings its tables up to date; several processes may do so at once. While
 * PostgreSQL is away it says so and goes on trying, until the signal is aborted (`cancelled`).
 * Rejects with `invalid`, and a message that says how to mend it, when the database can't be used
 * at all or was made by a newer Narwhal.
 */
export async function openStore(
  config: StoreConfig,
  log: Logger,
  signal?: AbortSignal,
): Promise<Store> {
  // Each driver is loaded only where it is used: it costs memory and time at start.
  if (config.kind === 'sqlite') {
    const { openSqlite } = await import('./sqlite/open-sqlite.ts')
    return migrated(await openSqlite(config.path, config.fleeting))
  }
  const { describeUrl, openPostgres } = await import('./postgres/open-postgres.ts')
  const database = describeUrl(config.url)
  for (let tries = 0; ; tries++) {
    try {
      const options = { url: config.url, size: config.poolSize ?? 10 }
      const store = await migrated(await openPostgres(options, log))
      if (tries > 0) log.info({ database }, 'PostgreSQL is back')
      return store
    } catch (error) {
      if (!(error instanceof NarwhalError) || error.code !== 'unavailable') throw error
      const reason = describeError(error.cause ?? error)
      log.warn({ database, reason }, 'PostgreSQL is away; trying again')
    }
    await waitForRetry(tries, signal)
  }
}

async function migrated(engine: Engine): Promise<Store> {
  try {
    await migrate(engine.writing)
    return sqlStore(engine)
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

async function waitForRetry(tries: number, signal?: AbortSignal): Promise<void> {
  try {
    await backoff(tries, { firstMs: 100, maxMs: 5000 }, signal)
  } catch (error) {
    throw NarwhalError.from(error)
  }
}
