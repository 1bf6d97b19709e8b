import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClient,
} from '../../../test/support/attempt-client.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { startTestRunner } from '../../../test/support/test-runner.ts'
import { FakeExecutor } from '../executor/fake/fake.ts'
import { ProcessExecutor } from '../executor/local/process.ts'

async function openWorld(executor: FakeExecutor | ProcessExecutor) {
  await using stack = new AsyncDisposableStack()
  const repository = stack.use(await gitRepository({ files: { a: 'a' } }))
  stack.use(executor)
  const served = stack.use(await startTestRunner({ executor }))
  const commit = await headOf(repository)
  const idTokens = { TOKEN: { audience: 'a' } }
  const begin = (commands: readonly string[], more: Partial<ReturnType<typeof orderOf>> = {}) => {
    const job = jobJson({ idTokens, steps: commands.map((command) => ({ command })) })
    return new AttemptClient(runnerClient(served.transport), orderOf(commit, [], { job, ...more }))
  }
  const owned = stack.move()
  return { begin, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Resolves to the nth ask, from 1. */
const asked = (attempt: AttemptClient, n = 1) =>
  eventually(() => attempt.asks[n - 1] ?? null, { message: `ask ${n}` })

const token = (ask: number, text: string, lifetimeMs = 60_000) => ({
  ask,
  tokens: [{ name: 'TOKEN', token: text, lifetimeMs }],
})

test('asks when the step begins, not before, and again for each step that begins later', async () => {
  await using at = await openWorld(new FakeExecutor())
  const attempt = at.begin(['print one $TOKEN', 'sleep 150', 'print two $TOKEN'])
  const first = await asked(attempt)
  assert.deepEqual(first.names, ['TOKEN'])
  assert.ok(attempt.words.includes('step 0'))
  attempt.answer(token(first.ask, 'head.body.signature-1', 1000))
  // The second step begins at once, with the same; the third after a tenth of its life.
  const second = await asked(attempt, 2)
  assert.ok(attempt.words.includes('step 1 ended success'))
  attempt.answer(token(second.ask, 'head.body.signature-2'))
  await attempt.untilFinished()
  assert.equal(attempt.asks.length, 2)
  assert.deepEqual(
    attempt.words.filter((word) => word.startsWith('log')),
    ['log 0 one head.body.***', 'log 2 two head.body.***'],
  )
})

test('a job without id tokens asks for nothing, and no answer is taken that nobody asked for', async () => {
  await using at = await openWorld(new FakeExecutor())
  const attempt = at.begin(['print $TOKEN.'], {
    job: jobJson({ steps: [{ command: 'print $TOKEN.' }] }),
  })
  attempt.answer(token(1, 'unasked'))
  await attempt.untilFinished()
  assert.deepEqual(attempt.asks, [])
  assert.ok(attempt.words.includes('log 0 .'), attempt.words.join('\n'))
})

test('a step that the dispatcher gives no token ends in an error with its reason', async () => {
  await using at = await openWorld(new FakeExecutor())
  const attempt = at.begin(['print one'])
  const { ask } = await asked(attempt)
  attempt.answer(token(ask + 7, 'late'))
  attempt.answer({ ask, trouble: 'nobody has approved it' })
  await attempt.untilFinished()
  const words = 'there is no id token TOKEN: nobody has approved it'
  assert.equal(attempt.words.at(-1), `finished error: step "step 0": ${words}`)
  // It is no fault of the runner's, which goes on with others.
  assert.equal(attempt.fault, 0)
})

test('what a lost dispatcher has not answered is asked of the next one', async () => {
  await using at = await openWorld(new FakeExecutor())
  const attempt = at.begin(['print got $TOKEN'])
  const before = await asked(attempt)
  attempt.break()
  await attempt.untilEnded()
  const other = at.begin([], { resume: true, fence: 1n })
  const again = await asked(other)
  assert.deepEqual(again, before)
  other.answer(token(again.ask, 'head.body.signature'))
  await other.untilFinished()
  assert.ok(other.words.includes('log 0 got head.body.***'))
})

test('is cancelled while it waits for a token', async () => {
  await using at = await openWorld(new FakeExecutor())
  const attempt = at.begin(['print one'])
  await asked(attempt)
  attempt.cancel('by the test')
  await attempt.untilFinished()
  assert.match(attempt.words.at(-1) ?? '', /^finished cancelled: .*by the test$/)
})

test('the file of a step at minute twenty holds a token that was made since', async () => {
  await using dir = await tempDir()
  await using at = await openWorld(new ProcessExecutor({ instance: 'id-token-test' }))
  const copy = dir.join('copy')
  // Tokens of a fifth of a second stand for those of five minutes.
  const lifetimeMs = 200
  const until = `until [ "$(cat "$NARWHAL_ID_TOKEN_FILE_TOKEN")" = h.b.signature-40 ]; do sleep 0.02; done`
  const attempt = at.begin([
    `${until}; printf '%s %s' "$TOKEN" "$(cat "$NARWHAL_ID_TOKEN_FILE_TOKEN")" >${copy}`,
  ])
  for (let n = 1; n <= 40; n++) {
    const { ask } = await asked(attempt, n)
    attempt.answer(token(ask, `h.b.signature-${n}`, lifetimeMs))
  }
  await attempt.untilFinished()
  assert.equal(await readFile(copy, 'utf8'), 'h.b.signature-1 h.b.signature-40')
})

test('a renewal that does not work out is tried again while the step goes on', async () => {
  await using at = await openWorld(new ProcessExecutor({ instance: 'id-token-retry' }))
  const attempt = at.begin([
    `until [ "$(cat "$NARWHAL_ID_TOKEN_FILE_TOKEN")" = h.b.signature-2 ]; do sleep 0.02; done`,
  ])
  const first = await asked(attempt)
  attempt.answer(token(first.ask, 'h.b.signature-1', 400))
  const second = await asked(attempt, 2)
  attempt.answer({ ask: second.ask, trouble: 'the database is away' })
  const third = await asked(attempt, 3)
  attempt.answer(token(third.ask, 'h.b.signature-2'))
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished success')
})
