import assert from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { EmbeddedBroker } from '../src/broker/embedded.ts'
import { readGitEnv } from '../src/config/env.ts'
import { describeWaiting } from '../src/core/placement/describe-waiting.ts'
import { Dispatcher } from '../src/dispatcher/dispatcher.ts'
import { silentLog } from '../src/lib/log.ts'
import { AutoExecutor } from '../src/runner/executor/auto/auto.ts'
import type { Executor } from '../src/runner/executor/executor.ts'
import { BubblewrapExecutor } from '../src/runner/executor/local/bubblewrap.ts'
import { noEngine } from '../src/runner/executor/refuse-containers.ts'
import { Vault } from '../src/vault/vault.ts'
import { withoutBubblewrap } from './support/bubblewrap-jobs.ts'
import { eventually } from './support/eventually.ts'
import { freeNetworks } from './support/free-networks.ts'
import { gitRepository } from './support/git-repository.ts'
import { HandExecutor } from './support/hand-executor.ts'
import { testImage, testService, uniquePrefix } from './support/services.ts'
import { tempDir } from './support/temp-dir.ts'
import { startTestRunner } from './support/test-runner.ts'
import { insertRepository, openTestStore } from './support/test-store.ts'
import { TESTER } from './support/tester.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

const docker = testService('docker')
const skip = docker.skip || (await withoutBubblewrap())

test('a job with an image waits for a runner with an engine, and is placed when one has come', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const networks = freeNetworks()
  const instance = uniquePrefix()
  const folder = dir.join('sandboxes')
  const socket = dir.join('docker.sock')
  await using executor = new AutoExecutor({
    hosts: [`unix://${socket}`],
    docker: { instance, folder, networks, log: silentLog(), runnerIsRoot: true },
    bubblewrap: new BubblewrapExecutor({ instance, networks, hide: [] }),
  })
  assert.equal(await executor.probe(), '')
  await using at = await stage({ plain: executor })
  const plain = await at.build({ steps: [{ name: 'step', command: 'true' }] })
  assert.equal(await at.endOf(plain), 'success')

  const step = { name: 'step', command: 'test -d /narwhal' }
  const waiting = await at.build({ image: testImage(), steps: [step] })
  const reason =
    'needs a container engine, and runner plain has none: install crun and skopeo on its machine, or start Docker or Podman there'
  await eventually(async () => {
    const [job] = await at.queue()
    assert.equal(job && describeWaiting(job.waiting), reason)
  })
  assert.equal((await at.runners())[0]?.state, 'online')

  await symlink(new URL(docker.url).pathname, socket)
  assert.equal(await at.endOf(waiting), 'success')
  const [runner] = await at.runners()
  assert.deepEqual(runner?.engines, ['docker', 'bubblewrap'])
})

test('a runner whose engine went away hands the job on, and is not set aside for it', async () => {
  const gone = new HandExecutor()
  gone.beforeOpen = async () => {
    throw noEngine('image busybox needs a container engine: none answers')
  }
  const well = new HandExecutor()
  for (const executor of [gone, well]) executor.onStep = (step) => step.exit(0)
  await using at = await stage({ gone, well })
  const tried = new Set<string>()
  for (let builds = 0; builds < 6; builds++) {
    const id = await at.build({ steps: [{ name: 'step', command: 'true' }] })
    assert.equal(await at.endOf(id), 'success')
    for (const name of await at.triedBy(id)) tried.add(name)
  }
  assert.deepEqual([...tried].sort(), ['gone', 'well'])
  for (const { state, failures } of await at.records()) {
    assert.deepEqual([state, failures], ['online', 0])
  }
})

/** A dispatcher with runners that are online. */
async function stage(executors: Readonly<Record<string, Executor>>) {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const log = silentLog()
  const broker = stack.use(new EmbeddedBroker(log))
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault: await Vault.openInMemory(store), gitEnv: readGitEnv(), log },
      { heuristic: 'round-robin', jobTimeoutMs: 0, maxAttempts: 3 },
    ),
  )
  for (const [name, executor] of Object.entries(executors)) {
    const { url } = stack.use(await startTestRunner({ executor, name, slots: 1 }))
    await dispatcher.registerRunner({ name, url, balanced: false, token: RUNNER_TOKEN }, TESTER)
  }
  const runners = () => store.runners.listViews()
  await eventually(async () => (await runners()).every(({ state }) => state === 'online'))
  return {
    runners,
    records: () => store.runners.list(),
    queue: async () => (await dispatcher.queue(10)).jobs,
    build: async (job: object) => {
      const files = { 'narwhal.yml': JSON.stringify({ jobs: { main: job } }) }
      const origin = stack.use(await gitRepository({ files, serve: true }))
      const repository = await insertRepository(store, origin.url, uniquePrefix('ada/p'))
      return (await dispatcher.startPipeline(repository, {}, TESTER)).id
    },
    endOf: (id: Parameters<typeof store.pipelines.find>[0]) =>
      eventually(
        async () => {
          const { state } = (await store.pipelines.find(id))?.pipeline ?? {}
          return state?.status === 'finished' ? state.outcome : null
        },
        { message: 'the end of the pipeline', timeoutMs: 60_000 },
      ),
    triedBy: async (id: Parameters<typeof store.pipelines.find>[0]) =>
      ((await store.pipelines.find(id))?.jobs ?? []).flatMap(({ attempts }) =>
        attempts.map(({ decision }) => decision.runnerName),
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
