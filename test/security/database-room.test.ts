import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../../src/broker/embedded.ts'
import { readGitEnv } from '../../src/config/env.ts'
import { describeWaiting } from '../../src/core/placement/describe-waiting.ts'
import { Dispatcher } from '../../src/dispatcher/dispatcher.ts'
import { DatabaseGuard } from '../../src/dispatcher/ledger/database-guard.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Vault } from '../../src/vault/vault.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { HandExecutor } from '../support/hand-executor.ts'
import { startUp } from '../support/installation.ts'
import { startTestRunner } from '../support/test-runner.ts'
import { insertRepository, openTestStore } from '../support/test-store.ts'
import { TESTER } from '../support/tester.ts'

const MiB = 1024 ** 2

test('SEC-09f: on a full disk no new job starts and the queue says why, while what runs goes on', async () => {
  await using stack = new AsyncDisposableStack()
  const log = silentLog()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const broker = stack.use(new EmbeddedBroker(log))
  const executor = new HandExecutor()
  const runner = stack.use(await startTestRunner({ executor, name: 'one', slots: 2 }))
  const files = { 'narwhal.yml': 'steps: [go]\n' }
  const origin = stack.use(await gitRepository({ files, serve: true }))
  const repository = await insertRepository(store, origin.url)
  let freeOutsideBytes = 500 * MiB
  const guard = stack.use(
    new DatabaseGuard({
      store: { room: async () => ({ usedBytes: MiB, freeInsideBytes: 0, freeOutsideBytes }) },
      rules: { reserveBytes: 128 * MiB },
      log,
      everyMs: 10,
    }),
  )
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault, gitEnv: readGitEnv(), log, guard },
      {
        heuristic: 'least-loaded',
        jobTimeoutMs: 0,
        maxAttempts: 1,
        inProcess: { name: 'one', transport: runner.transport },
      },
    ),
  )
  const outcome = async (id: Awaited<ReturnType<typeof dispatcher.startPipeline>>['id']) => {
    const { pipeline } = (await store.pipelines.find(id)) ?? {}
    return pipeline?.state.status === 'finished' ? pipeline.state.outcome : null
  }
  const first = await dispatcher.startPipeline(repository, {}, TESTER)
  const step = await eventually(() => executor.steps[0] ?? null, { message: 'the first step' })
  freeOutsideBytes = 100 * MiB
  await eventually(() => guard.shortage !== undefined)
  const second = await dispatcher.startPipeline(repository, {}, TESTER)
  const words =
    /room for 100 MiB more, and no job starts with less than 128 MiB \(--database-reserve\)/
  await eventually(async () => {
    const { jobs } = await dispatcher.queue(10)
    return jobs.some(({ waiting }) => words.test(describeWaiting(waiting)))
  })
  step.exit(0)
  assert.equal(await eventually(() => outcome(first.id), { message: 'the first end' }), 'success')
  assert.equal(executor.steps.length, 1)
  freeOutsideBytes = 500 * MiB
  const next = await eventually(() => executor.steps[1] ?? null, { message: 'the second step' })
  next.exit(0)
  assert.equal(await eventually(() => outcome(second.id), { message: 'the second end' }), 'success')
})

test('SEC-09g: a process whose database has too little room stays ready, and reports the shortage', async () => {
  await using narwhal = await startUp({ databaseReserve: '900000g' })
  const short = await eventually(async () => {
    const answer = await fetch(`${narwhal.url}/readyz`)
    assert.equal(answer.status, 200)
    const said = (await answer.json()) as { status: string; short?: string }
    assert.equal(said.status, 'ready')
    return said.short ?? null
  })
  assert.match(short, /^the database has room for .* \(--database-reserve\)$/)
  await using roomy = await startUp({ databaseReserve: '1m' })
  const answer = await fetch(`${roomy.url}/readyz`)
  assert.deepEqual(await answer.json(), { status: 'ready' })
})
