import { Client } from 'pg'

/** Restores a migrated database to its state before anything was written; its stores must be closed. */
export async function emptyDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(EMPTY)
  } finally {
    await client.end()
  }
}

/** A replica doesn't check foreign keys. */
const EMPTY = `
  do $$
  declare one text;
  begin
    set local session_replication_role = replica;
    for one in
      select tablename from pg_tables
      where schemaname = current_schema() and tablename not in ('change_counter', 'audit_head') and tablename not like 'kysely%'
    loop
      execute format('delete from %I', one);
    end loop;
    update change_counter set last = 0;
    update audit_head set last = 0, hash = '', removed = 0, removed_hash = '';
  end $$`
