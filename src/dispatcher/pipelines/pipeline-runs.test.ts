import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { HandExecutor } from '#root/test/support/hand-executor.ts'
import { heartbeatsHere } from '#root/test/support/heartbeats-here.ts'
import { startTestRunner } from '#root/test/support/test-runner.ts'
import { insertRepository, openTestStore } from '#root/test/support/test-store.ts'
import { TESTER } from '#root/test/support/tester.ts'
import { EmbeddedBroker } from '../../broker/embedded.ts'
import { readGitEnv } from '../../config/env.ts'
import type { DispatcherId, PipelineId } from '../../core/ids.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { silentLog } from '../../lib/log.ts'
import { anEvent, aPipeline } from '../../store/contract/fixtures.ts'
import type { Store } from '../../store/store.ts'
import { Vault } from '../../vault/vault.ts'
import { openAuthorLookup } from '../forge-authors/open-author-lookup.ts'
import { IdTokenMinter } from '../id-tokens/minter.ts'
import { EventPublisher } from '../ledger/event-publisher.ts'
import { Recorder } from '../ledger/recorder.ts'
import { GroupGate } from '../queue/group-gate.ts'
import { JobQueue } from '../queue/job-queue.ts'
import { inProcessConnector } from '../runners/in-process-connector.ts'
import { RunnerPool } from '../runners/runner-pool.ts'
import { Seat } from '../seat/seat.ts'
import { PipelineRuns } from './pipeline-runs.ts'

const log = silentLog()
const FILES = { 'narwhal.yml': 'steps:\n  - name: test\n    command: wait\n' }
const WITHIN = { timeoutMs: 20_000 }

/** A store, a git repository, and a runner in this process whose steps the test does. */
async function openWorld({ slots = 1 }: { slots?: number } = {}) {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const executor = new HandExecutor()
  const { transport } = stack.use(await startTestRunner({ executor, name: 'one', slots }))
  const origin = stack.use(await gitRepository({ files: FILES }))
  const repository = await insertRepository(store, origin.path)
  const owned = stack.move()
  return {
    store,
    executor,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
    /** A seat with its runs, as a dispatcher has them. */
    async openRuns() {
      const seat = await openSeat(store, owned)
      const parts = await openParts({ store, vault, seat, owned })
      const by = TESTER
      const link = { kind: 'in-process' } as const
      await parts.pool.register({ name: 'one', link }, by, inProcessConnector(transport))
      return { seat, ...parts }
    },
    /** A pipeline of a new event, of this dispatcher or of none. */
    async addPipeline(dispatcherId?: DispatcherId): Promise<PipelineId> {
      const sha = await origin.head()
      const { result } = await store.transact(async (write) => {
        const event = anEvent(repository.id, { sha, trust: {}, kind: 'manual', source: 'manual' })
        await write.events.accept([event])
        const owner = dispatcherId ? { dispatcherId } : {}
        return (await write.pipelines.create(aPipeline(event, owner))).pipeline.id
      })
      return result
    },
    async pipeline(id: PipelineId): Promise<Pipeline> {
      const detail = await store.pipelines.find(id)
      assert.ok(detail)
      return detail.pipeline
    },
    step: (count = 1) => eventually(() => executor.steps[count - 1] ?? null, WITHIN),
  }
}

type World = Awaited<ReturnType<typeof openWorld>>

async function openSeat(store: Store, owned: AsyncDisposableStack): Promise<Seat> {
  const startHeartbeats = heartbeatsHere(store, log)
  return owned.use(await Seat.take({ store, log, startHeartbeats }, () => {}))
}

async function openParts(world: {
  store: Store
  vault: Vault
  seat: Seat
  owned: AsyncDisposableStack
}) {
  const { store, vault, seat, owned } = world
  const stop = new AbortController()
  const { signal } = stop
  const gitEnv = readGitEnv()
  const publisher = new EventPublisher({ broker: owned.use(new EmbeddedBroker(log)), log })
  const recorder = new Recorder({ store, publisher, log, signal })
  const dispatcherId = () => seat.id
  const onOrphans = () => {}
  const pool = new RunnerPool({ store, recorder, publisher, log, dispatcherId, onOrphans })
  const jobs = owned.use(new JobQueue({ pool, heuristic: 'least-loaded' }))
  const queue = owned.use(
    new GroupGate({
      queue: jobs,
      store,
      retryWhileUnavailable: (work) => recorder.retryWhileUnavailable(work),
      cancel: async () => {},
      log,
    }),
  )
  const runs = new PipelineRuns({
    store,
    vault,
    minter: new IdTokenMinter({ store, vault }),
    recorder,
    authors: openAuthorLookup({ store, vault, gitEnv, log }, recorder, signal),
    publisher,
    pool,
    queue,
    log,
    options: { jobTimeoutMs: 0, maxAttempts: 3 },
    seat,
    isShared: true,
    signal,
  })
  owned.defer(async () => {
    stop.abort()
    await runs[Symbol.asyncDispose]()
    await pool[Symbol.asyncDispose]()
  })
  return { runs, queue, pool }
}

async function outcomeOf(world: World, id: PipelineId): Promise<string> {
  return await eventually(async () => {
    const { state } = await world.pipeline(id)
    return state.status === 'finished' ? state.outcome : null
  }, WITHIN)
}

test('runs a pipeline to its end, and drops its run then', async () => {
  await using world = await openWorld()
  const { runs, seat } = await world.openRuns()
  const id = await world.addPipeline(seat.id)
  await runs.open(id)
  assert.deepEqual([runs.size, runs.has(id)], [1, true])
  ;(await world.step()).exit(0)
  assert.equal(await outcomeOf(world, id), 'success')
  await eventually(() => runs.size === 0, WITHIN)
  // Opened again, it has nothing to do.
  await runs.open(id)
  await eventually(() => runs.size === 0, WITHIN)
  assert.equal(world.executor.steps.length, 1)
})

test('has one run of a pipeline, however often it is opened', async () => {
  await using world = await openWorld()
  const { runs, seat } = await world.openRuns()
  const id = await world.addPipeline(seat.id)
  await Promise.all([runs.open(id), runs.open(id), runs.takeFree(), runs.open(id)])
  assert.equal(runs.size, 1)
  ;(await world.step()).exit(1)
  assert.equal(await outcomeOf(world, id), 'failure')
  assert.equal(world.executor.steps.length, 1)
})

test('takes over the pipelines that have no owner, and no others', async () => {
  await using world = await openWorld()
  const { runs } = await world.openRuns()
  const { seat: other } = await world.openRuns()
  const free = await world.addPipeline()
  const others = await world.addPipeline(other.id)
  await runs.takeFree()
  assert.deepEqual([runs.has(free), runs.has(others)], [true, false])
  ;(await world.step()).exit(0)
  assert.equal(await outcomeOf(world, free), 'success')
  assert.equal((await world.pipeline(others)).state.status, 'pending')
  await assert.rejects(runs.open(others), { code: 'stale' })
  assert.equal(runs.has(others), false)
})

test('a command takes a pipeline over from its owner, whose run ends without ending the job', async () => {
  await using world = await openWorld()
  const [first, second] = [await world.openRuns(), await world.openRuns()]
  const id = await world.addPipeline(first.seat.id)
  await first.runs.open(id)
  const step = await world.step()
  await second.runs.command(id, async (run) => {
    assert.equal(run.id, id)
  })
  assert.equal((await world.pipeline(id)).dispatcherId, second.seat.id)
  await eventually(() => first.runs.size === 0, WITHIN)
  assert.equal(step.signal.aborted, false)
  step.exit(0)
  assert.equal(await outcomeOf(world, id), 'success')
  assert.equal(world.executor.steps.length, 1)
})

test('a command that cancels is final when it resolves, and reaches the runner', async () => {
  await using world = await openWorld()
  const { runs, seat } = await world.openRuns()
  const id = await world.addPipeline(seat.id)
  await runs.open(id)
  const step = await world.step()
  await runs.command(id, (run) => run.cancel('not needed', TESTER))
  assert.equal(await outcomeOf(world, id), 'cancelled')
  await eventually(() => step.signal.aborted, WITHIN)
  // Until the runner has ended its step, once more ends that at once.
  await eventually(async () => {
    const again = runs.command(id, (run) => run.cancel('again', TESTER))
    await assert.rejects(again, { code: 'conflict', message: /already finished/ })
  }, WITHIN)
})

test('a pipeline that does not exist leaves no run behind', async () => {
  await using world = await openWorld()
  const { runs } = await world.openRuns()
  await assert.rejects(runs.open('pipeline_none'), { code: 'not_found' })
  await assert.rejects(
    runs.command('pipeline_none', async () => {}),
    { code: 'not_found' },
  )
  assert.equal(runs.size, 0)
})

test('places no more jobs once it is disposed', async () => {
  await using world = await openWorld({ slots: 1 })
  const { runs, queue, seat } = await world.openRuns()
  const running = await world.addPipeline(seat.id)
  await runs.open(running)
  await world.step()
  const waiting = await world.addPipeline(seat.id)
  await runs.open(waiting)
  await eventually(() => queue.length === 1, WITHIN)
  await runs[Symbol.asyncDispose]()
  assert.equal(runs.size, 0)
  await eventually(() => queue.length === 0, WITHIN)
  assert.equal((await world.pipeline(waiting)).state.status, 'running')
  assert.equal(world.executor.steps.length, 1)
})
