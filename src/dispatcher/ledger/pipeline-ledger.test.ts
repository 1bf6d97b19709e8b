import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '#root/test/support/test-store.ts'
import { EmbeddedBroker } from '../../broker/embedded.ts'
import type { PublishedEvent } from '../../contract/live/live-event.ts'
import { chunkOf } from '../../contract/log/log-chunk.ts'
import type { Attempt } from '../../core/attempt/attempt.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { silentLog } from '../../lib/log.ts'
import { aJob, anAttempt, anEvent, aPipeline, aRepository } from '../../store/contract/fixtures.ts'
import { EventPublisher } from './event-publisher.ts'
import { PipelineLedger } from './pipeline-ledger.ts'
import { Recorder } from './recorder.ts'

const OWNER = 'dispatcher_1'

/** A pipeline in a database with one job, whose attempt runs on a runner. */
async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const log = silentLog()
  const store = stack.use(await openTestStore())
  const publisher = new EventPublisher({ broker: stack.use(new EmbeddedBroker(log)), log })
  const published: PublishedEvent[] = []
  stack.use(publisher.listen((event) => published.push(event)))
  const { signal } = new AbortController()
  const recorder = new Recorder({ store, publisher, log, signal })
  const attempt = anAttempt({}, { status: 'running', startedAt: 5500 })
  const { result } = await store.transact(async (write) => {
    const repository = aRepository()
    await write.repositories.insert(repository, [])
    for (const id of [OWNER, 'dispatcher_2'] as const)
      await write.dispatchers.takeSeat({ id, startedAt: 1 })
    const event = anEvent(repository.id)
    await write.events.accept([event])
    const created = await write.pipelines.create(aPipeline(event, { dispatcherId: OWNER }))
    const running = { status: 'running', startedAt: 3500 } as const
    const pipeline = await write.pipelines.save({ ...created.pipeline, state: running })
    const at = { queuedAt: 4000, assignedAt: 5000 }
    const state = { status: 'assigned', attempt: 1, runnerId: 'runner_1', fence: 1, ...at } as const
    const job = aJob(pipeline, { fence: 1, state })
    await write.jobs.insert([job])
    await write.jobs.save({ ...job, attempts: [attempt] }, [1])
    return { id: pipeline.id, jobId: job.id }
  })
  const openLedger = async (): Promise<PipelineLedger> => {
    const detail = await store.pipelines.find(result.id)
    assert.ok(detail)
    return new PipelineLedger({ store, recorder, publisher, dispatcherId: OWNER }, detail)
  }
  const owned = stack.move()
  return {
    ...result,
    store,
    published,
    openLedger,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The draft with this line at the end of the log of its job's attempt. */
function withLine(draft: PipelineDraft, text: string) {
  const [job] = draft.jobs
  const [attempt] = job?.attempts ?? []
  assert.ok(job && attempt)
  const chunks = [chunkOf(0, [{ at: 6000, stream: 'stdout', text }])]
  const lastSeq = attempt.lastSeq + 1
  const log = {
    jobId: job.id,
    attempt: 1,
    fence: 1,
    lastSeq,
    firstLine: attempt.lines,
    chunks,
  }
  const next: Attempt = { ...attempt, lastSeq, lines: attempt.lines + 1 }
  return { draft: { ...draft, jobs: [{ ...job, attempts: [next] }] }, log, lines: next.lines }
}

function named(draft: PipelineDraft, name: string): PipelineDraft {
  return { ...draft, pipeline: { ...draft.pipeline, name } }
}

async function readLines({ store, jobId }: Awaited<ReturnType<typeof openWorld>>) {
  return (await store.logs.read({ jobId, attempt: 1 }, 0, 10)).map(({ text }) => text)
}

test('a batch with log lines is computed once, written, and published', async () => {
  await using world = await openWorld()
  const ledger = await world.openLedger()
  let computed = 0
  const { lines } = await ledger.changeWithLog((draft) => {
    computed++
    return withLine(draft, 'one')
  })
  assert.deepEqual([computed, lines], [1, 1])
  assert.deepEqual(await readLines(world), ['one'])
  const appended = world.published.filter((event) => event.type === 'log.appended')
  assert.deepEqual(
    appended.flatMap((event) => event.lines.map(({ text }) => text)),
    ['one'],
  )
  const stored: Job | undefined = ledger.draft.jobs[0]
  assert.equal(stored?.attempts[0]?.lines, 1)
})

test('after a conflict it is computed again from the newest state, and that result counts', async () => {
  await using world = await openWorld()
  const [ledger, other] = [await world.openLedger(), await world.openLedger()]
  await other.change((draft) => named(draft, 'first'))
  const seen: string[] = []
  const { name } = await ledger.changeWithLog((draft) => {
    seen.push(draft.pipeline.name)
    const { draft: next, log } = withLine(draft, `after ${draft.pipeline.name}`)
    return { draft: named(next, 'second'), log, name: draft.pipeline.name }
  })
  assert.deepEqual([seen, name], [['', 'first'], 'first'])
  assert.deepEqual(await readLines(world), ['after first'])
})

test('a change that was written already becomes none', async () => {
  await using world = await openWorld()
  const [ledger, other] = [await world.openLedger(), await world.openLedger()]
  const rename = (draft: PipelineDraft): PipelineDraft =>
    draft.pipeline.name === 'ci' ? draft : named(draft, 'ci')
  assert.equal(await other.change(rename), true)
  assert.equal(await ledger.change(rename), false)
  assert.equal(ledger.draft.pipeline.name, 'ci')
})

test('what a change claims in its transaction decides whether anything is written', async () => {
  await using world = await openWorld()
  const ledger = await world.openLedger()
  const rename = (draft: PipelineDraft): PipelineDraft => named(draft, 'ci')
  assert.equal(await ledger.change(rename, { enter: async () => false }), false)
  assert.equal((await world.store.pipelines.find(world.id))?.pipeline.name, '')
  assert.equal(await ledger.change(rename, { enter: async () => true }), true)
  assert.equal((await world.store.pipelines.find(world.id))?.pipeline.name, 'ci')
})

test("once another dispatcher owns the pipeline, every write is rejected, and so is its ledger's start", async () => {
  await using world = await openWorld()
  const ledger = await world.openLedger()
  const id: PipelineId = world.id
  await world.store.transact((write) => write.pipelines.take(id, 'dispatcher_2'))
  await assert.rejects(
    ledger.changeWithLog((draft) => withLine(draft, 'late')),
    { code: 'stale' },
  )
  await assert.rejects(ledger.verify(), { code: 'stale' })
  await assert.rejects(world.openLedger(), { code: 'stale' })
  assert.deepEqual(await readLines(world), [])
})
