import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../src/broker/embedded.ts'
import { readGitEnv } from '../src/config/env.ts'
import { resultOf } from '../src/core/attempt/attempt.ts'
import type { JobId, PipelineId } from '../src/core/ids.ts'
import type { Job } from '../src/core/job/job.ts'
import { Dispatcher } from '../src/dispatcher/dispatcher.ts'
import type { StartHeartbeats } from '../src/dispatcher/seat/heartbeats.ts'
import { silentLog } from '../src/lib/log.ts'
import type { RepositoryRecord } from '../src/store/records.ts'
import type { Store } from '../src/store/store.ts'
import { Vault } from '../src/vault/vault.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { HandExecutor, type HandStep } from './support/hand-executor.ts'
import { heartbeatsHere } from './support/heartbeats-here.ts'
import { startTestRunner } from './support/test-runner.ts'
import { insertRepository, openTestStore } from './support/test-store.ts'
import { TESTER } from './support/tester.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

/** Two dispatchers with one store, and one runner that both have dialled, whose steps the test does. */

const log = silentLog()
const FILE = 'steps:\n  - name: test\n    command: wait\n'

interface World {
  readonly store: Store
  readonly repository: RepositoryRecord
  readonly executor: HandExecutor
  startDispatcher(startHeartbeats?: StartHeartbeats): Promise<Dispatcher>
  /** The newest record of the pipeline's one job. */
  job(id: PipelineId): Promise<Job>
  /** Resolves when the step of the job runs. */
  running(count?: number): Promise<HandStep>
  text(id: JobId, attempt: number): Promise<string[]>
}

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const executor = new HandExecutor()
  const runner = stack.use(await startTestRunner({ executor, name: 'one' }))
  const files = { 'narwhal.yml': FILE }
  const origin = stack.use(await gitRepository({ files, serve: true }))
  const repository = await insertRepository(store, origin.url)
  const startDispatcher = async (
    startHeartbeats = heartbeatsHere(store, log),
  ): Promise<Dispatcher> => {
    const broker = stack.use(new EmbeddedBroker(log))
    const deps = { store, broker, vault, gitEnv: readGitEnv(), log }
    const options = { heuristic: 'least-loaded', jobTimeoutMs: 0, maxAttempts: 3 } as const
    return stack.use(await Dispatcher.start(deps, { ...options, startHeartbeats }))
  }
  const first = await startDispatcher()
  await first.registerRunner(
    { name: 'one', url: runner.url, balanced: false, token: RUNNER_TOKEN },
    TESTER,
  )
  await first[Symbol.asyncDispose]()
  await work({
    store,
    repository,
    executor,
    startDispatcher,
    job: async (id) => {
      const [job] = (await store.pipelines.find(id))?.jobs ?? []
      assert.ok(job)
      return job
    },
    running: (count = 1) =>
      eventually(() => executor.steps[count - 1] ?? null, { message: `step ${count} to run` }),
    text: async (jobId, attempt) => {
      const lines = await store.logs.read({ jobId, attempt }, 0, 1000)
      return lines.filter(({ stream }) => stream !== 'narwhal').map(({ text }) => text)
    },
  })
}

const finished = (world: World, id: PipelineId): Promise<Job> =>
  eventually(
    async () => {
      const job = await world.job(id)
      return job.state.status === 'finished' ? job : null
    },
    { message: 'the end of the job', timeoutMs: 30_000 },
  )

test('a dispatcher that stops hands its pipelines over, and a running job goes on', async () => {
  await inWorld(async (world) => {
    const one = await world.startDispatcher()
    await using _two = await world.startDispatcher()
    const { id } = await one.startPipeline(world.repository, {}, TESTER)
    const step = await world.running()
    await step.write('before\n')
    await eventually(async () => (await world.text((await world.job(id)).id, 1)).length === 1)
    await one[Symbol.asyncDispose]()
    await step.write('meanwhile\n')
    await step.write('after\n')
    step.exit(0)
    const job = await finished(world, id)
    assert.deepEqual(
      job.attempts.map((attempt) => [attempt.number, resultOf(attempt)?.outcome]),
      [[1, 'success']],
    )
    assert.deepEqual(await world.text(job.id, 1), ['before', 'meanwhile', 'after'])
    assert.equal(world.executor.steps.length, 1)
  })
})

test('what a dispatcher still writes after its pipeline was taken over is refused', async () => {
  await inWorld(async (world) => {
    const zombie = await world.startDispatcher(() => ({
      isFresh: true,
      ended: new AbortController().signal,
      [Symbol.asyncDispose]: async () => {},
    }))
    const { id } = await zombie.startPipeline(world.repository, {}, TESTER)
    const step = await world.running()
    const { term } = (await world.store.pipelines.find(id))?.pipeline ?? { term: 0 }
    await using two = await world.startDispatcher()
    await eventually(
      async () => (await world.store.pipelines.find(id))?.pipeline.dispatcherId === two.id,
      { message: 'the take-over', timeoutMs: 15_000 },
    )
    assert.equal((await world.store.pipelines.find(id))?.pipeline.term, term + 1)
    await step.write('seen by the new one only\n')
    step.exit(0)
    const job = await finished(world, id)
    assert.equal(job.state.status === 'finished' && job.state.outcome, 'success')
    assert.equal(job.attempts.length, 1)
    assert.deepEqual(await world.text(job.id, 1), ['seen by the new one only'])
    await assert.rejects(zombie.cancelPipeline(id, 'too late', TESTER), { code: 'stale' })
    assert.ok(zombie.staleWrites > 0)
    assert.equal(zombie.openPipelines, 0)
  })
})

test('any dispatcher can cancel, whosever the pipeline is', async () => {
  await inWorld(async (world) => {
    await using one = await world.startDispatcher()
    await using two = await world.startDispatcher()
    const { id } = await one.startPipeline(world.repository, {}, TESTER)
    const step = await world.running()
    await two.cancelPipeline(id, 'not needed', TESTER)
    const job = await world.job(id)
    assert.equal(job.state.status === 'finished' && job.state.outcome, 'cancelled')
    await eventually(() => step.signal.aborted, { message: 'the end of the step' })
    await eventually(() => one.openPipelines === 0, { message: 'the former owner to let go' })
    await assert.rejects(one.cancelPipeline(id, 'again', TESTER), { code: 'conflict' })
  })
})

test('dispatchers that want the same pipeline both get their word in', async () => {
  await inWorld(async (world) => {
    await using one = await world.startDispatcher()
    await using two = await world.startDispatcher()
    const { id } = await one.startPipeline(world.repository, {}, TESTER)
    ;(await world.running()).exit(1)
    const job = await finished(world, id)
    const rerun = await Promise.allSettled([
      one.rerunJob(job.id, TESTER),
      two.rerunJob(job.id, TESTER),
    ])
    assert.equal(rerun.filter(({ status }) => status === 'fulfilled').length, 1)
    ;(await world.running(2)).exit(0)
    const ended = await finished(world, id)
    assert.deepEqual(
      ended.attempts.map((attempt) => [attempt.number, resultOf(attempt)?.outcome]),
      [
        [1, 'failure'],
        [2, 'success'],
      ],
    )
  })
})
