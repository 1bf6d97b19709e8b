import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { silentLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import { SWEPT_TABLES } from '../../src/store/sql/removal/repository-sweep.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Why a table whose rows are not removed with a repository does not grow for ever. */
const BOUNDED: Readonly<Record<string, string>> = {
  state_changes: 'the newest 100,000',
  change_counter: 'one row',
  sealing: 'one row',
  retention: 'one row',
  audit_head: 'one row',
  removed_items: 'the newest 200,000',
  used_numbers: 'a row for each name that a repository ever had: a number is never given out twice',
  dispatchers: 'a row for each dispatcher that is there; the next one ends it',
  runners: 'what people have registered',
  join_tokens: 'those that are valid, and those that were lately',
  users: 'what people have made',
  tokens: 'what people have made',
  sessions: 'they end by themselves, and are removed then',
  forwarders: 'they end by themselves, and are removed then',
  sign_in_links: 'they end by themselves, and are removed then',
  audit: 'for ever unless --keep-audit says otherwise: it is the evidence',
  audit_secrets: 'as the audit log',
  id_token_keys: 'some for each month, and those that have left go',
  kysely_migration: 'a row for each step of the schema',
  kysely_migration_lock: 'one row',
  sqlite_sequence: 'a row for each table that counts',
}

async function openSchema() {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const path = dir.join('narwhal.db')
  stack.use(await openStore({ kind: 'sqlite', path }, silentLog()))
  const database = new DatabaseSync(path, { readOnly: true })
  stack.defer(() => database.close())
  const owned = stack.move()
  const list = (query: string): Record<string, unknown>[] =>
    database.prepare(query).all() as Record<string, unknown>[]
  const tables = list("select name from sqlite_schema where type = 'table'")
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith('sqlite_stat'))
  return { list, tables, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('BND-20: the rows of every table are removed with a repository, or are bounded', async () => {
  await using schema = await openSchema()
  const known = new Set([...SWEPT_TABLES, ...Object.keys(BOUNDED)])
  assert.deepEqual(
    schema.tables.filter((table) => !known.has(table)),
    [],
    'say in repository-sweep.ts, or here, what keeps them from growing for ever',
  )
  assert.deepEqual(
    SWEPT_TABLES.filter((table) => !schema.tables.includes(table)),
    [],
  )
})

test('BND-21: every foreign key has an index, so that no removal scans a whole table', async () => {
  await using schema = await openSchema()
  const { list, tables } = schema
  const without: string[] = []
  for (const table of tables) {
    const indexes = list(`pragma index_list("${table}")`).map(({ name }) =>
      list(`pragma index_info("${String(name)}")`).map((column) => column['name']),
    )
    const keys = Map.groupBy(list(`pragma foreign_key_list("${table}")`), ({ id }) => id)
    for (const rows of keys.values()) {
      const columns = rows
        .toSorted((a, b) => Number(a['seq']) - Number(b['seq']))
        .map(({ from }) => from)
      const isFound = indexes.some((index) => columns.every((column, n) => index[n] === column))
      if (!isFound) without.push(`${table} (${columns.join(', ')})`)
    }
  }
  assert.deepEqual(without, [])
})

test('BND-22: a new database can return free space', async () => {
  await using schema = await openSchema()
  assert.equal(schema.list('pragma auto_vacuum')[0]?.['auto_vacuum'], 2)
})

test('BND-23: free space is returned to the disk, more than a page at a time', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await using store = await openStore({ kind: 'sqlite', path }, silentLog())
  {
    using database = new DatabaseSync(path)
    database.exec('create table waste (data blob)')
    database.exec('insert into waste values (zeroblob(8000000))')
    database.exec('delete from waste')
  }
  const before = await store.room()
  assert.ok(before.freeInsideBytes > 7_000_000)
  let steps = 0
  while (await store.giveBack()) steps++
  assert.ok(steps > 0 && steps < 20, `${steps} steps`)
  const after = await store.room()
  assert.ok(after.usedBytes < before.usedBytes - 6_000_000)
})
