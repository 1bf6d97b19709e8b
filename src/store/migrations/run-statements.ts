import { type Kysely, PostgresAdapter, sql } from 'kysely'

/** Runs SQL that both databases understand, but for the names of two types: INT and BYTES. */
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
