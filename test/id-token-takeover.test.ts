import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../src/broker/embedded.ts'
import { readGitEnv } from '../src/config/env.ts'
import { discoveryDocument, keySet } from '../src/contract/id-tokens/documents.ts'
import { Dispatcher } from '../src/dispatcher/dispatcher.ts'
import { IdTokenMinter } from '../src/dispatcher/id-tokens/minter.ts'
import { silentLog } from '../src/lib/log.ts'
import { Vault } from '../src/vault/vault.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { HandExecutor } from './support/hand-executor.ts'
import { heartbeatsHere } from './support/heartbeats-here.ts'
import { Verifier } from './support/id-tokens.ts'
import { startTestRunner } from './support/test-runner.ts'
import { insertRepository, openTestStore } from './support/test-store.ts'
import { TESTER } from './support/tester.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

const ISSUER = 'https://tokens.example.com'
const FILE = JSON.stringify({
  id_tokens: { TOKEN: { audience: 'a' } },
  steps: [{ name: 'deploy', command: 'wait' }],
})
const log = silentLog()

/** A dispatcher that is lost while it makes a token: it never answers. */
class StuckMinter extends IdTokenMinter {
  readonly asked = Promise.withResolvers<void>()

  override mint(): Promise<never> {
    this.asked.resolve()
    return new Promise(() => {})
  }
}

test('a step that waits for a token of a lost dispatcher gets it from the one that takes over', async () => {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const executor = new HandExecutor()
  const runner = stack.use(await startTestRunner({ executor, name: 'one' }))
  const origin = stack.use(await gitRepository({ files: { 'narwhal.yml': FILE }, serve: true }))
  const repository = await insertRepository(store, origin.url)
  const start = async (minter: IdTokenMinter): Promise<Dispatcher> => {
    const broker = stack.use(new EmbeddedBroker(log))
    const deps = { store, broker, vault, minter, gitEnv: readGitEnv(), log }
    const options = { heuristic: 'least-loaded', jobTimeoutMs: 60_000, maxAttempts: 3 } as const
    const startHeartbeats = heartbeatsHere(store, log)
    return stack.use(await Dispatcher.start(deps, { ...options, startHeartbeats }))
  }
  const stuck = new StuckMinter({ store, vault, issuer: ISSUER })
  const first = await start(stuck)
  await first.registerRunner(
    { name: 'one', url: runner.url, balanced: false, token: RUNNER_TOKEN },
    TESTER,
  )
  await first.startPipeline(repository, {}, TESTER)
  await stuck.asked.promise
  assert.equal(executor.steps.length, 0)
  await first[Symbol.asyncDispose]()

  await start(new IdTokenMinter({ store, vault, issuer: ISSUER }))
  const step = await eventually(() => executor.steps[0] ?? null, {
    message: 'the step to begin',
    timeoutMs: 30_000,
  })
  const verifier = new Verifier(ISSUER, async (path) =>
    path.endsWith('jwks.json')
      ? keySet(await store.idTokens.listKeys(), Date.now())
      : discoveryDocument(ISSUER),
  )
  const claims = await verifier.verify(step.env['TOKEN'] ?? '', 'a')
  // The same attempt: nothing was begun anew.
  assert.equal(claims['attempt'], '1')
  step.exit(0)
})
