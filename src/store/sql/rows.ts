import { PostgresAdapter } from 'kysely'
import type { Db } from './tables.ts'

/** Databases limit the parameters of one statement (SQLite 32,766, PostgreSQL 65,535). */
export function* batches<Item>(items: readonly Item[], size = 500): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

/** The value of a column with JSON, to be cast; null stays null. */
export function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json)
}

/** The JSON for a column; null for undefined. */
export function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

/** Whether rows must be locked: SQLite has a single writer and no row locks. */
export function isPostgres(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
