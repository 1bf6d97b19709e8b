import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRouterTransport } from '@connectrpc/connect'
import { EmbeddedBroker } from '../../src/broker/embedded.ts'
import { readGitEnv } from '../../src/config/env.ts'
import {
  type MintedIdTokens,
  type RunAttemptRequest,
  RunnerService,
} from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import { planToJson } from '../../src/contract/plan/plan-json.ts'
import { Dispatcher } from '../../src/dispatcher/dispatcher.ts'
import { IdTokenMinter } from '../../src/dispatcher/id-tokens/minter.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Vault } from '../../src/vault/vault.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { insertRepository, openTestStore } from '../support/test-store.ts'
import { TESTER } from '../support/tester.ts'

/** What a misbehaving runner sends on the stream of its one attempt. */
type Hostile = (
  answers: AsyncIterator<MintedIdTokens>,
  ask: (number: number, names: readonly string[]) => void,
) => Promise<void>

const log = silentLog()

async function giveJobTo(hostile: Hostile): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const minter = new IdTokenMinter({ store, vault, issuer: 'https://tokens.example.com' })
  const done = Promise.withResolvers<void>()
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const broker = stack.use(new EmbeddedBroker(log))
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault, minter, gitEnv: readGitEnv(), log },
      {
        heuristic: 'least-loaded',
        jobTimeoutMs: 60_000,
        maxAttempts: 1,
        inProcess: { name: 'hostile', transport: runnerOf(hostile, done, stop.signal) },
      },
    ),
  )
  const source = stack.use(await gitRepository({ files: { a: 'a' } }))
  const repository = await insertRepository(store, source.path)
  await eventually(async () => (await store.runners.list())[0]?.state === 'online')
  await dispatcher.startPipeline(repository, { ref: 'refs/heads/main' }, TESTER)
  await done.promise
}

function runnerOf(hostile: Hostile, done: PromiseWithResolvers<void>, signal: AbortSignal) {
  const steps = [{ name: 'a', command: 'true', dependencies: [], env: {} }]
  const idTokens = { MINE: { audience: 'a' } }
  const job = { name: 'deploy', env: {}, needs: [], labels: [], steps, idTokens }
  return createRouterTransport(({ service }) => {
    service(RunnerService, {
      describe: () => ({ instanceId: 'i', name: 'hostile', slots: 1, engines: ['fake'] }),
      watchLoad: async function* () {
        yield { instanceId: 'i', slots: 1 }
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      },
      planCommit: () => ({
        result: { case: 'plan', value: planToJson({ name: '', jobs: [job] }) },
      }),
      runAttempt: async function* (requests) {
        const messages = requests[Symbol.asyncIterator]()
        await messages.next()
        const wanted: { ask: number; names: readonly string[] }[] = []
        const ask = (number: number, names: readonly string[]) => {
          wanted.push({ ask: number, names })
        }
        let isOver = false
        hostile(answersIn(messages), ask)
          .then(done.resolve, done.reject)
          .finally(() => {
            isOver = true
          })
        yield { seq: 1n, event: { case: 'started', value: { instanceId: 'i' } } }
        while (!isOver) {
          yield { event: { case: 'heartbeat', value: { sentMs: 1n } } }
          for (const { ask: number, names } of wanted.splice(0)) {
            const value = { ask: number, names: [...names] }
            yield { event: { case: 'idTokensWanted', value } }
          }
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      },
    })
  })
}

async function* answersIn(
  messages: AsyncIterator<RunAttemptRequest>,
): AsyncGenerator<MintedIdTokens, void, undefined> {
  for (;;) {
    const { done, value } = await messages.next()
    if (done) return
    if (value.request.case === 'idTokens') yield value.request.value
  }
}

test('OIDC-17: a runner gets only the tokens in the plan, however it asks', async () => {
  await giveJobTo(async (answers, ask) => {
    const answer = async (number: number, names: readonly string[]) => {
      ask(number, names)
      const { value } = (await answers.next()) as IteratorYieldResult<MintedIdTokens>
      assert.equal(value.ask, number)
      return value
    }
    const own = await answer(1, ['MINE', 'MINE'])
    assert.deepEqual(
      own.tokens.map(({ name }) => name),
      ['MINE'],
    )
    for (const name of ['OTHER', '__proto__', 'constructor', '', 'toString']) {
      const { tokens, trouble } = await answer(2, [name])
      assert.deepEqual([tokens, trouble], [[], `the job does not request the id token ${name}`])
    }
    const mixed = await answer(3, ['MINE', 'OTHER'])
    assert.deepEqual(mixed.tokens, [])
    const many = await answer(
      4,
      Array.from({ length: 10_000 }, () => 'MINE'),
    )
    assert.deepEqual([many.tokens, many.trouble], [[], 'too many names'])
  })
})

test('OIDC-18: of endless requests of a runner the newest is answered, one at a time', async () => {
  await giveJobTo(async (answers, ask) => {
    for (let number = 1; number <= 5_000; number++) ask(number, ['MINE'])
    let count = 0
    for (;;) {
      const { value } = (await answers.next()) as IteratorYieldResult<MintedIdTokens>
      count++
      if (value.ask === 5_000) break
    }
    assert.ok(count < 5_000, `${count} answers`)
  })
})
