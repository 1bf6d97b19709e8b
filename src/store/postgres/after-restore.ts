import { sql } from 'kysely'
import type { Doer } from '../../core/audit/audit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { migrate } from '../migrations/migrate.ts'
import { leapAhead } from '../sql/leap-ahead.ts'
import { describeUrl, openPostgres } from './open-postgres.ts'

/**
 * Makes a database that was restored by PostgreSQL's own tools safe to use (`leapAhead`). Rejects with
 * `conflict` while Narwhal processes are connected to it.
 */
export async function prepareRestoredPostgres(
  url: string,
  { log, by }: { log: Logger; by: Doer },
): Promise<void> {
  // One connection, so that all others belong to other processes.
  await using engine = await openPostgres({ url, size: 1 }, log)
  const db = engine.writing
  const { rows } = await sql<{ count: number }>`select count(*) as count from pg_stat_activity
    where datname = current_database() and application_name = 'narwhal'
      and pid <> pg_backend_pid()`.execute(db)
  if (rows[0] && rows[0].count > 0) {
    const message = `Narwhal processes are connected to ${describeUrl(url)}: stop them first`
    throw new NarwhalError('conflict', message)
  }
  await migrate(db)
  await leapAhead(db, by)
}
