import { type Kysely, PostgresAdapter, sql } from 'kysely'

/** Runs SQL for both databases, in which INT and BYTES stand for the types that differ. */
export async function runStatements(
  db: Kysely<unknown>,
  statements: readonly string[],
): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
  for (const statement of statements) {
    const table = statement
      .replaceAll(/\bINT\b/g, isPostgres ? 'bigint' : 'integer')
      .replaceAll(/\bBYTES\b/g, isPostgres ? 'bytea' : 'blob')
    const isTable = !isPostgres && statement.startsWith('create table')
    await sql.raw(isTable ? `${table} strict` : table).execute(db)
  }
}
