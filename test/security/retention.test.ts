import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemDoer } from '../../src/core/audit/audit.ts'
import type { KeepRules } from '../../src/core/keeping.ts'
import type { Pipeline } from '../../src/core/pipeline/pipeline.ts'
import { previewRetention } from '../../src/dispatcher/retention/preview-retention.ts'
import { REMOVED_GRACE_MS, Retention } from '../../src/dispatcher/retention/retention.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { RepositoryRecord } from '../../src/store/records.ts'
import type { Store } from '../../src/store/store.ts'
import { openWebStage } from '../support/web-stage.ts'

const DAY = 86_400_000

interface Printed {
  readonly outcome?: 'success' | 'failure'
  readonly ref?: string
  readonly ageDays: number
}

/** The same, with some methods replaced. */
function otherwise<Target extends object>(target: Target, over: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, name) => {
      const own: unknown = Reflect.get(name in over ? over : target, name, target)
      return typeof own === 'function' && !(name in over) ? own.bind(target) : own
    },
  })
}

/** A page over a store, and pipelines that are some days old. */
async function openHistory() {
  await using stack = new AsyncDisposableStack()
  const web = stack.use(await openWebStage())
  const { stage } = web
  const repository = await stage.addRepository()
  const now = Date.now()
  const add = async ({ outcome = 'failure', ref = 'refs/heads/main', ageDays }: Printed) => {
    const at = now - ageDays * DAY
    const pipeline = await stage.addPipeline(repository.id, { ref, receivedAt: at })
    const planned = await stage.plan(pipeline, [{}])
    const [job] = planned.jobs
    assert.ok(job)
    const started = await stage.start(job)
    await stage.print(started, 0, ['a line'])
    const finishedAt = at + 1_000
    await stage.write((write) =>
      write.pipelines.save({
        ...planned.pipeline,
        state: { status: 'finished', outcome, finishedAt },
      }),
    )
    return { id: pipeline.id, jobId: job.id }
  }
  const round = async (rules: KeepRules, more: { now?: number; store?: Store } = {}) => {
    const retention = new Retention({
      store: more.store ?? stage.store,
      log: silentLog(),
      rules,
      now: () => more.now ?? Date.now(),
      everyMs: 600_000,
    })
    try {
      return await retention.round()
    } finally {
      await retention[Symbol.asyncDispose]()
    }
  }
  const owned = stack.move()
  return { ...web, repository, add, round, now, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const KEEP: KeepRules = { logs: 10 * DAY, pipelines: 100 * DAY }

test('SEC-09e: expired data is deleted, and requests for it say when and by which rule', async () => {
  await using world = await openHistory()
  const [young, middle, old] = [
    await world.add({ ageDays: 1 }),
    await world.add({ ageDays: 20 }),
    await world.add({ ageDays: 200 }),
  ]
  const preview = await previewRetention(world.stage.store, KEEP, {
    now: world.now,
    signal: new AbortController().signal,
  })
  assert.equal(preview.repositories[0]?.pipelines, 1)
  assert.equal(preview.repositories[0]?.logs, 1)
  const removed = await world.round(KEEP)
  assert.equal(removed?.pipelines, 1)
  assert.equal(removed?.logs, 1)
  assert.equal(removed?.bytes, preview.repositories[0]?.bytes)
  const ask = async (path: string) => {
    const answer = await fetch(`${world.url}/api/v1/${path}`)
    return { status: answer.status, text: await answer.text() }
  }
  const day = new Date(world.now).toISOString().slice(0, 10)
  const gone = await ask(`pipelines/${old.id}`)
  assert.equal(gone.status, 410)
  assert.match(gone.text, new RegExp(`removed on ${day} by the rule keep-pipelines 100d`))
  assert.equal((await ask(`jobs/${old.jobId}`)).status, 410)
  for (const form of ['', '.txt', '/sections', '/search?text=a', '/follow']) {
    const log = await ask(`jobs/${middle.jobId}/attempts/1/log${form}`)
    assert.equal(log.status, 410, form)
    assert.match(log.text, /removed on .* by the rule keep-logs 10d/)
  }
  assert.equal((await ask(`pipelines/${middle.id}`)).status, 200)
  assert.match((await ask(`jobs/${young.jobId}/attempts/1/log.txt`)).text, /a line/)
  assert.equal((await ask('pipelines/pipeline_00000000000000000000')).status, 404)
  // Deletions are recorded.
  const { entries } = await world.stage.store.audit.list({
    limit: 10,
    action: 'retention.removed',
  } as never)
  assert.ok(entries.some(({ action }) => action === 'retention.removed'))
})

test('BND-11: the latest success of a branch stays with its log, whatever the rules say', async () => {
  await using world = await openHistory()
  const kept = await world.add({ ageDays: 300, outcome: 'success', ref: 'refs/heads/release' })
  const former = await world.add({ ageDays: 400, outcome: 'success', ref: 'refs/heads/release' })
  await world.round(KEEP)
  assert.ok(await world.stage.store.pipelines.find(kept.id))
  assert.equal(await world.stage.store.retention.findLogRemoval(kept.id), undefined)
  assert.equal(await world.stage.store.pipelines.find(former.id), undefined)
})

test('BND-12: an existing installation keeps everything for seven days', async () => {
  await using world = await openHistory()
  const old = await world.add({ ageDays: 300 })
  const { store } = world.stage
  const begins = async () => world.now + 7 * DAY
  const upgraded = otherwise(store, { retention: otherwise(store.retention, { begins }) })
  assert.equal(await world.round(KEEP, { store: upgraded }), undefined)
  assert.ok(await store.pipelines.find(old.id))
  const later = await world.round(KEEP, { store: upgraded, now: world.now + 8 * DAY })
  assert.equal(later?.pipelines, 1)
})

test('BND-13: failed deletions are counted, and block no others', async () => {
  await using world = await openHistory()
  const ids: Pipeline['id'][] = []
  for (let n = 0; n < 3; n++) ids.push((await world.add({ ageDays: 200 + n })).id)
  const { store } = world.stage
  const transact: Store['transact'] = (work) =>
    store.transact(async (write) => {
      const removePipeline: typeof write.retention.removePipeline = async (id, removal) => {
        if (id === ids[1]) throw new Error('its row is damaged')
        return await write.retention.removePipeline(id, removal)
      }
      return await work(
        otherwise(write, { retention: otherwise(write.retention, { removePipeline }) }),
      )
    })
  const broken = otherwise(store, { transact })
  const round = await world.round(KEEP, { store: broken })
  assert.equal(round?.failed, 1)
  assert.equal(round?.pipelines, 2)
  assert.ok(await store.pipelines.find(ids[1] ?? 'pipeline_'))
})

test('BND-14: a repository with a rule of its own keeps what others lose', async () => {
  await using world = await openHistory()
  const old = await world.add({ ageDays: 300 })
  const { store } = world.stage
  await store.transact((write) =>
    write.retention.setRules(world.repository.id, { logs: 'forever', pipelines: 'forever' }),
  )
  assert.equal((await world.round(KEEP))?.pipelines, 0)
  await store.transact((write) => write.retention.setRules(world.repository.id, { pipelines: DAY }))
  assert.equal((await world.round({ logs: 'forever', pipelines: 'forever' }))?.pipelines, 1)
  assert.equal(await store.pipelines.find(old.id), undefined)
})

test('BND-15: some days after a repository was removed nothing of it is left', async () => {
  await using world = await openHistory()
  await world.add({ ageDays: 1, outcome: 'success' })
  const { store } = world.stage
  await store.transact(async (write) => {
    await write.repositories.remove(world.repository.id)
    const subject: Pick<RepositoryRecord, 'id' | 'name'> = world.repository
    write.audit.add(systemDoer('test', 'a test'), { action: 'repository.removed', subject })
  })
  const all: KeepRules = { logs: 'forever', pipelines: 'forever' }
  assert.equal((await world.round(all))?.repositories, 0)
  const round = await world.round(all, { now: Date.now() + REMOVED_GRACE_MS + 1 })
  assert.equal(round?.repositories, 1)
  assert.deepEqual(await store.retention.listRules(), [])
})

test("BND-16: a long history is deleted in many short steps, with others' work in between", async () => {
  await using world = await openHistory()
  for (let n = 0; n < 30; n++) await world.add({ ageDays: 200 + n })
  let turns = 0
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve))
      turns++
    }
  })()
  const round = await world.round(KEEP)
  isOver = true
  await watching
  assert.equal(round?.pipelines, 30)
  // A step for its log, one for its job, one for itself.
  assert.ok(turns >= 90, `${turns} turns`)
})
