import { PostgresAdapter } from 'kysely'
import type { Db } from './tables.ts'

/** Databases limit the parameters of one statement (SQLite 32,766, PostgreSQL 65,535). */
export function* batches<Item>(items: readonly Item[], size = 500): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

/** Whether rows must be locked: SQLite has one writer anyway, and no word for it. */
export function isPostgres(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
