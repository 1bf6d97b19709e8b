import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../src/broker/embedded.ts'
import { readGitEnv } from '../src/config/env.ts'
import type { PipelineId } from '../src/core/ids.ts'
import { describeWaiting } from '../src/core/placement/describe-waiting.ts'
import { Dispatcher } from '../src/dispatcher/dispatcher.ts'
import { silentLog } from '../src/lib/log.ts'
import { Vault } from '../src/vault/vault.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { HandExecutor, type HandStep } from './support/hand-executor.ts'
import { heartbeatsHere } from './support/heartbeats-here.ts'
import { startTestRunner } from './support/test-runner.ts'
import { insertRepository, openTestStore } from './support/test-store.ts'
import { TESTER } from './support/tester.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

/** Two dispatchers that share store, broker and a runner with room, whose steps the test does. */
async function openWorld(file: string) {
  await using stack = new AsyncDisposableStack()
  const log = silentLog()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const broker = stack.use(new EmbeddedBroker(log))
  const executor = new HandExecutor()
  const runner = stack.use(await startTestRunner({ executor, name: 'one', slots: 8 }))
  const origin = stack.use(await gitRepository({ files: { 'narwhal.yml': file }, serve: true }))
  const repository = await insertRepository(store, origin.url)
  const options = { heuristic: 'least-loaded', jobTimeoutMs: 0, maxAttempts: 3 } as const
  const start = async (): Promise<Dispatcher> => {
    const deps = { store, broker, vault, gitEnv: readGitEnv(), log }
    return stack.use(
      await Dispatcher.start(deps, { ...options, startHeartbeats: heartbeatsHere(store, log) }),
    )
  }
  const one = await start()
  await one.registerRunner(
    { name: 'one', url: runner.url, balanced: false, token: RUNNER_TOKEN },
    TESTER,
  )
  const two = await start()
  const owned = stack.move()
  return {
    one,
    two,
    executor,
    begin: async (by: Dispatcher): Promise<PipelineId> =>
      (await by.startPipeline(repository, {}, TESTER)).id,
    /** The n-th step that ever ran. */
    step: (n: number): Promise<HandStep> =>
      eventually(() => executor.steps[n - 1] ?? null, { message: `step ${n} to run` }),
    /** How each job of a pipeline stands. */
    async jobs(id: PipelineId): Promise<string[]> {
      const { jobs = [] } = (await store.pipelines.find(id)) ?? {}
      return jobs.map(({ spec, state }) => {
        const end = state.status === 'finished' ? [state.outcome, state.reason] : []
        return [spec.name, state.status, ...end].filter(Boolean).join(' ')
      })
    },
    outcome: (id: PipelineId): Promise<string> =>
      eventually(
        async () => {
          const { pipeline } = (await store.pipelines.find(id)) ?? {}
          return pipeline?.state.status === 'finished' ? pipeline.state.outcome : null
        },
        { message: `the end of ${id}` },
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Why the jobs wait that a dispatcher knows of. */
const reasons = async (dispatcher: Dispatcher): Promise<string[]> =>
  (await dispatcher.queue(10)).jobs.map(
    ({ name, waiting }) => `${name} ${describeWaiting(waiting)}`,
  )

test('jobs of a group take turns, whichever dispatchers have them', async () => {
  await using world = await openWorld(
    'concurrency: { group: all, limit: 2 }\njobs:\n  deploy: { concurrency: "deploy-${branch}", steps: [go] }\n',
  )
  const { one, two } = world
  const first = await world.begin(one)
  const step = await world.step(1)
  const second = await world.begin(two)
  const held = 'deploy waits for deploy-main: held by deploy of pipeline #1'
  for (const dispatcher of [one, two]) {
    await eventually(async () => (await reasons(dispatcher)).includes(held), { message: held })
  }
  const third = await world.begin(one)
  const full = 'deploy waits for all: held by pipeline #1, and behind pipeline #2'
  await eventually(async () => (await reasons(two)).includes(full), { message: full })
  assert.equal(world.executor.steps.length, 1)
  step.exit(0)
  assert.equal(await world.outcome(first), 'success')
  ;(await world.step(2)).exit(0)
  assert.equal(await world.outcome(second), 'success')
  ;(await world.step(3)).exit(0)
  assert.equal(await world.outcome(third), 'success')
  assert.deepEqual(await reasons(two), [])
})

test('a newer pipeline ends those that it makes needless, and a person may run them again', async () => {
  await using world = await openWorld(`
jobs:
  build: { steps: [build] }
  deploy: { needs: build, concurrency: { group: deploy, policy: cancel-superseded }, steps: [go] }
  check: { concurrency: { group: check, policy: cancel-superseded }, steps: [look] }
`)
  const { one, two } = world
  const older = await world.begin(one)
  await world.step(2)
  const newer = await world.begin(two)
  await eventually(() => world.executor.steps.length === 4, { message: 'the newer to run' })
  const why = 'cancelled superseded in check by pipeline #2'
  assert.deepEqual(await world.jobs(older), [
    'build running',
    'deploy blocked',
    `check finished ${why}`,
  ])
  const ended = world.executor.steps.find(({ script }) => script === 'look')
  await eventually(() => ended?.signal.aborted ?? false, {
    message: 'the end of the needless step',
  })
  const [, , ...newSteps] = world.executor.steps
  for (const step of newSteps) step.exit(0)
  // The newer deploy waits for nothing more; the older one never comes to its turn.
  const deploy = await world.step(5)
  assert.equal(
    (await world.jobs(older))[1],
    'deploy finished cancelled superseded in deploy by pipeline #2',
  )
  deploy.exit(0)
  assert.equal(await world.outcome(newer), 'success')
  world.executor.steps.find(({ script }) => script === 'build')?.exit(0)
  assert.equal(await world.outcome(older), 'cancelled')

  await one.rerunFailed(older, TESTER)
  for (const n of [6, 7]) (await world.step(n)).exit(0)
  assert.equal(await world.outcome(older), 'success')
})
