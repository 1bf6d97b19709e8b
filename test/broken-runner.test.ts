import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../src/broker/embedded.ts'
import { readGitEnv } from '../src/config/env.ts'
import { Dispatcher } from '../src/dispatcher/dispatcher.ts'
import { NarwhalError } from '../src/lib/errors.ts'
import { silentLog } from '../src/lib/log.ts'
import { Vault } from '../src/vault/vault.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { HandExecutor } from './support/hand-executor.ts'
import { startTestRunner } from './support/test-runner.ts'
import { insertRepository, openTestStore } from './support/test-store.ts'
import { TESTER } from './support/tester.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

const log = silentLog()

test('a runner that fails everything is set aside, and comes back when a probe has passed', async () => {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const broken = new HandExecutor()
  broken.beforeOpen = async () => {
    throw new NarwhalError('unavailable', 'the container engine does not answer')
  }
  const well = new HandExecutor()
  for (const executor of [broken, well]) executor.onStep = (step) => step.exit(0)
  const broker = stack.use(new EmbeddedBroker(log))
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault: await Vault.openInMemory(store), gitEnv: readGitEnv(), log },
      { heuristic: 'least-loaded', jobTimeoutMs: 0, maxAttempts: 3 },
    ),
  )
  for (const [name, executor] of Object.entries({ broken, well })) {
    const { url } = stack.use(await startTestRunner({ executor, name, slots: 1 }))
    await dispatcher.registerRunner({ name, url, balanced: false, token: RUNNER_TOKEN }, TESTER)
  }
  const steps = [{ name: 'step', command: 'true' }]
  const jobs = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { steps }]))
  const files = { 'narwhal.yml': JSON.stringify({ jobs }) }
  const origin = stack.use(await gitRepository({ files, serve: true }))
  const repository = await insertRepository(store, origin.url)

  const runnerView = async () =>
    (await store.runners.listViews()).find((one) => one.name === 'broken')
  // Until both are there, the well one might be given everything.
  await eventually(async () => {
    const views = await store.runners.listViews()
    assert.deepEqual(
      views.map(({ state }) => state),
      ['online', 'online'],
    )
  })
  const build = async () => {
    const { id } = await dispatcher.startPipeline(repository, {}, TESTER)
    return await eventually(
      async () => {
        const detail = await store.pipelines.find(id)
        return detail?.pipeline.state.status === 'finished' ? detail : null
      },
      { message: 'the end of the pipeline', timeoutMs: 60_000 },
    )
  }
  for (let builds = 0; (await runnerView())?.state !== 'set_aside'; builds++) {
    assert.ok(builds < 10, 'it is not set aside')
    const { pipeline } = await build()
    // What it failed went on elsewhere: nobody has lost anything.
    assert.equal(pipeline.state.status === 'finished' && pipeline.state.outcome, 'success')
  }
  const aside = await runnerView()
  assert.match(
    aside?.reason ?? '',
    /^quarantined after \d+ failures of its own in a row, the last: /,
  )
  assert.match(aside?.reason ?? '', /the container engine does not answer/)
  const { jobs: ended } = await build()
  for (const { attempts } of ended) {
    assert.deepEqual(
      attempts.map(({ decision }) => decision.runnerName),
      ['well'],
    )
  }

  broken.beforeOpen = async () => {}
  await eventually(async () => (await runnerView())?.state === 'online', {
    message: 'the runner to come back',
    timeoutMs: 30_000,
  })
  assert.equal((await runnerView())?.reason, undefined)
})
