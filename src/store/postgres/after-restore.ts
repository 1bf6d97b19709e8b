import { sql } from 'kysely'
import type { Doer } from '../../core/audit/audit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { migrate } from '../migrations/migrate.ts'
import { leapAhead } from '../sql/leap-ahead.ts'
import { describeUrl, openPostgres } from './open-postgres.ts'

/**
 * Makes a database that PostgreSQL's own tools have restored ready to go on with (`leapAhead`).
 * Rejects with `conflict` while processes of Narwhal are connected to it.
 */
export async function prepareRestoredPostgres(
  url: string,
  { log, by }: { log: Logger; by: Doer },
): Promise<void> {
  // One connection, so that all others are somebody else's.
  await using engine = await openPostgres({ url, size: 1 }, log)
  const db = engine.writing
  const { rows } = await sql<{ count: number }>`select count(*) as count from pg_stat_activity
    where datname = current_database() and application_name = 'narwhal'
      and pid <> pg_backend_pid()`.execute(db)
  if (rows[0] && rows[0].count > 0) {
    const words = `processes of Narwhal are connected to ${describeUrl(url)}: stop them first`
    throw new NarwhalError('conflict', words)
  }
  await migrate(db)
  await leapAhead(db, by)
}
