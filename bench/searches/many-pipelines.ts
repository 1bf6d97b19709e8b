import { DatabaseSync } from 'node:sqlite'
import { silentLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import { writeHistory } from '../retention/history.ts'

/** In one transaction. */
const BATCH = 50_000

/**
 * Makes an SQLite database with so many pipelines that have ended, each of a commit of its own: the first by the
 * store, as any is, and the others as copies of its rows.
 */
export async function writeManyPipelines(
  path: string,
  { pipelines, signal }: { readonly pipelines: number; readonly signal: AbortSignal },
): Promise<void> {
  {
    await using store = await openStore({ kind: 'sqlite', path, fleeting: true }, silentLog())
    await writeHistory(store, { pipelines: 1, logBytes: 0, youngest: 30, oldest: 30, signal })
  }
  const database = new DatabaseSync(path)
  try {
    database.exec('pragma synchronous = off; pragma cache_size = -200000')
    const copyEvents = copyRows(database, 'commit_events', {
      id: "'event_' || lower(hex(randomblob(10)))",
      semantic_key: "'bench/' || n",
      sha: 'lower(hex(randomblob(20)))',
      title: "'Mend the roof, for the ' || n || 'th time'",
      search_text: "'mend the roof, for the ' || n || 'th time refs/heads/main ada lovelace'",
      received_at: 'received_at + n * 1000',
    })
    const copyPipelines = copyRows(database, 'pipelines', {
      id: "'pipeline_' || lower(hex(randomblob(10)))",
      event_id: "(select id from commit_events where semantic_key = 'bench/' || n)",
      number: 'number + n',
      created_at: 'created_at + n * 1000',
    })
    for (let from = 1; from < pipelines; from += BATCH) {
      signal.throwIfAborted()
      const to = Math.min(pipelines, from + BATCH) - 1
      database.exec('begin')
      for (const copy of [copyEvents, copyPipelines]) copy(from, to)
      database.exec('commit')
    }
    database.exec('pragma wal_checkpoint(truncate)')
  } finally {
    database.close()
  }
}

/** Copies the first row of a table for each number, with some of its columns anew. */
function copyRows(
  database: DatabaseSync,
  table: string,
  anew: Readonly<Record<string, string>>,
): (from: number, to: number) => void {
  const columns = database.prepare(`select name from pragma_table_info('${table}')`).all()
  const names = columns.map(({ name }) => String(name))
  const values = names.map((name) => anew[name] ?? name)
  const insert = database.prepare(`
    with recursive numbers (n) as (select ? union all select n + 1 from numbers where n < ?)
    insert into ${table} (${names.join(', ')})
    select ${values.join(', ')} from numbers, (select * from ${table} where rowid = 1)`)
  return (from, to) => {
    insert.run(from, to)
  }
}
