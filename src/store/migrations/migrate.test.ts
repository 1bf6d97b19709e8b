import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { freshDatabase, testService } from '../../../test/support/services.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { reasonToWait } from '../../core/stranger/approval.ts'
import { silentLog } from '../../lib/log.ts'
import { openPostgres } from '../postgres/open-postgres.ts'
import { freePipelines } from '../sql/dispatchers.ts'
import { type Engine, sqlStore } from '../sql/sql-store.ts'
import type { Db } from '../sql/tables.ts'
import { openSqlite } from '../sqlite/open-sqlite.ts'
import { initial } from './0001-initial.ts'
import { leases } from './0002-leases.ts'
import { migrate } from './migrate.ts'

/** An empty database of either kind. */
const DATABASES: Readonly<Record<string, { skip: string | false; open: () => Promise<Opened> }>> = {
  SQLite: {
    skip: false,
    open: async () => {
      await using stack = new AsyncDisposableStack()
      const dir = stack.use(await tempDir())
      const engine = stack.use(await openSqlite(dir.join('narwhal.db')))
      const explain = 'explain query plan'
      return { engine, explain, resources: stack.move() }
    },
  },
  PostgreSQL: {
    skip: testService('postgres').skip,
    open: async () => {
      await using stack = new AsyncDisposableStack()
      const database = stack.use(await freshDatabase())
      const options = { url: database.url, size: 3 }
      const engine = stack.use(await openPostgres(options, silentLog()))
      return { engine, explain: 'explain', resources: stack.move() }
    },
  },
}

interface Opened {
  readonly engine: Engine
  readonly explain: string
  readonly resources: AsyncDisposableStack
}

for (const [name, { skip, open }] of Object.entries(DATABASES)) {
  test(`leases come to a database over ${name} that was filled before them`, { skip }, async () => {
    const { engine, resources } = await open()
    await using _resources = resources
    const db = engine.writing
    await migrate(db, { '0001-initial': initial })
    for (const statement of BEFORE) await sql.raw(statement).execute(db)
    const before = await sql<object>`select * from pipelines order by id`.execute(db)

    await migrate(db, { '0001-initial': initial, '0002-leases': leases })
    const after = await sql<object>`select * from pipelines order by id`.execute(db)
    assert.deepEqual(
      after.rows.map((row) => ({ ...row })),
      before.rows.map((row) => ({ ...row, dispatcher_id: null, term: 0 })),
    )
    await migrate(db)
    await migrate(db)
    const store = sqlStore(engine)
    const [runner] = await store.runners.list()
    assert.equal(runner?.name, 'one')
    assert.equal(runner.draining, false)
    assert.equal(runner.failures, 0)
    // What opened everything still does, as an administrator's.
    const user = await store.tokens.findUser('a'.repeat(64))
    assert.deepEqual(user, { id: 'user_first', name: 'admin', role: 'admin', createdAt: 3 })

    // Nobody could choose whose commits wait for approval; and of its events only what is sure counts.
    const [repository] = await store.repositories.list()
    assert.equal(repository?.approval, undefined)
    assert.deepEqual([repository?.pipelineFiles, repository?.skippedIsOpen], [undefined, undefined])
    // So the careful defaults hold for it, and it counts as one where nobody has chosen.
    const newcomer = { stranger: 'other_repository', actorId: 8 } as const
    const nobody = { accounts: [8], merged: new Set<number>() }
    const known = { accounts: [8], merged: new Set([8]) }
    const changed = { pipeline: ['narwhal.yml'], others: [], total: 1 }
    assert.deepEqual(reasonToWait(newcomer, repository ?? {}, nobody, changed), {
      because: 'newcomer',
    })
    assert.deepEqual(reasonToWait(newcomer, repository ?? {}, known, changed), {
      because: 'pipeline_files',
    })
    assert.deepEqual((await store.events.find('event_1'))?.trust, {})

    const { result: taken } = await store.transact(async (write) => {
      await write.dispatchers.takeSeat({ id: 'dispatcher_one', startedAt: 1 })
      return write.pipelines.takeFree('dispatcher_one')
    })
    assert.deepEqual(taken, ['pipeline_2'])
    const found = await store.pipelines.find('pipeline_2')
    assert.equal(found?.pipeline.dispatcherId, 'dispatcher_one')
    assert.equal(found.pipeline.term, 1)
  })

  test(`pipelines that have ended cost a taker nothing over ${name}`, { skip }, async () => {
    const { engine, explain, resources } = await open()
    await using _resources = resources
    const db = engine.writing
    await migrate(db, { '0001-initial': initial })
    const [repository = '', , event = ''] = BEFORE
    await sql.raw(repository).execute(db)
    await sql.raw(event).execute(db)
    await migrate(db)
    await sql
      .raw(
        `insert into pipelines (id, repository_id, event_id, number, name, status, state, problems,
          phases, rerun_of, created_at, version)
        with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 2000)
        select 'pipeline_' || n, 'repo_1', 'event_1', n, '', 'finished', '{}', '[]', '[]',
          'pipeline_1', n, 1 from numbers`,
      )
      .execute(db)
    // SQLite is never told about its rows; PostgreSQL finds out by itself, only later.
    if (explain === 'explain') await sql`analyze`.execute(db)
    assert.match(await planOf(db, explain), /\bpipelines_open\b/)
  })
}

async function planOf(db: Db, explain: string): Promise<string> {
  const { sql: text } = freePipelines(db).compile()
  const { rows } = await sql.raw<object>(`${explain} ${text}`).execute(db)
  return rows.map((row) => Object.values(row).join(' ')).join('\n')
}

const BEFORE = [
  `insert into repositories values
    ('repo_1', 'a/b', 'a/b', 'git', null, 'https://example.com/a/b.git', 'secret', 0, 2, 1, null)`,
  `insert into runners values ('runner_1', 'one', 'dialled', 'http://127.0.0.1:1', 0, null, 1,
    'online', null, '[]', '[]', 2, 0, null, null, 1, 2)`,
  `insert into commit_events values ('event_1', 'repo_1', 'key', 'push', 'refs/heads/main',
    '0000000000000000000000000000000000000001', 'Begin', 'Ada', '{"fromFork":false}', 'poll', 2, 0,
    'begin')`,
  `insert into pipelines values ('pipeline_1', 'repo_1', 'event_1', 1, 'app', 'finished', 'success',
    '{"status":"finished","outcome":"success","finishedAt":5}', '[]', '[]', null, 3, 4)`,
  `insert into pipelines values ('pipeline_2', 'repo_1', 'event_1', 2, 'app', 'running', null,
    '{"status":"running","startedAt":7}', '[]', '[]', 'pipeline_1', 6, 2)`,
  `insert into tokens values ('token_1', 'laptop', '${'a'.repeat(64)}', 3)`,
]
