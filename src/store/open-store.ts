import { backoff } from '../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { migrate } from './migrations/migrate.ts'
import { type Engine, sqlStore } from './sql/sql-store.ts'
import type { Store } from './store.ts'

export type StoreConfig =
  /** Writes to a `fleeting` one may be lost when the machine crashes. */
  | { readonly kind: 'sqlite'; readonly path: string; readonly fleeting?: boolean }
  /** `poolSize`: the maximum number of connections; 10 by default. */
  | { readonly kind: 'postgres'; readonly url: string; readonly poolSize?: number }

/**
 * Opens the store and migrates its tables; several processes may do so concurrently. While PostgreSQL
 * is unavailable it logs that and retries until the signal is aborted (`cancelled`). Rejects with
 * `invalid`, and what to do about it, if the database is unusable or was written by a newer Narwhal.
 */
export async function openStore(
  config: StoreConfig,
  log: Logger,
  signal?: AbortSignal,
): Promise<Store> {
  // Drivers are loaded on demand: each costs memory and start-up time.
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
      if (tries > 0) log.info({ database }, 'PostgreSQL is available again')
      return store
    } catch (error) {
      if (!(error instanceof NarwhalError) || error.code !== 'unavailable') throw error
      const reason = describeError(error.cause ?? error)
      log.warn({ database, reason }, 'PostgreSQL is unavailable: retrying')
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
