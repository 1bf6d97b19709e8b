import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../../src/broker/embedded.ts'
import { readGitEnv } from '../../src/config/env.ts'
import { linesOf, packChunk } from '../../src/contract/log/log-chunk.ts'
import { addProgress } from '../../src/core/attempt/add-progress.ts'
import type { ReceivedEvent } from '../../src/core/attempt/attempt-event.ts'
import { costOf, type LogChunk } from '../../src/core/attempt/log-chunk.ts'
import { LEAST_LOG_BYTES } from '../../src/core/attempt/log-limit.ts'
import { Dispatcher } from '../../src/dispatcher/dispatcher.ts'
import { chunksOf } from '../../src/dispatcher/ledger/chunks-of.ts'
import { silentLog } from '../../src/lib/log.ts'
import { ProcessExecutor } from '../../src/runner/executor/local/process.ts'
import { anAttempt } from '../../src/store/contract/fixtures.ts'
import { Vault } from '../../src/vault/vault.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { startTestRunner } from '../support/test-runner.ts'
import { insertRepository, openTestStore } from '../support/test-store.ts'
import { TESTER } from '../support/tester.ts'

const MiB = 1024 ** 2

/** Runs a job with these steps, with a log of at most 16 MiB. */
async function runJob(...commands: string[]) {
  await using stack = new AsyncDisposableStack()
  const log = silentLog()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const broker = stack.use(new EmbeddedBroker(log))
  const executor = stack.use(new ProcessExecutor({ instance: `log-${process.pid}` }))
  const runner = stack.use(await startTestRunner({ executor, name: 'one' }))
  const steps = commands.map((command) => ({ command }))
  const file = JSON.stringify({ steps })
  const origin = stack.use(await gitRepository({ files: { 'narwhal.yml': file }, serve: true }))
  const repository = await insertRepository(store, origin.url)
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault, gitEnv: readGitEnv(), log },
      {
        heuristic: 'least-loaded',
        jobTimeoutMs: 0,
        maxAttempts: 1,
        logBytes: LEAST_LOG_BYTES,
        inProcess: { name: 'one', transport: runner.transport },
      },
    ),
  )
  const { id } = await dispatcher.startPipeline(repository, {}, TESTER)
  const job = await eventually(
    async () => {
      const [found] = (await store.pipelines.find(id))?.jobs ?? []
      return found?.state.status === 'finished' ? found : null
    },
    { message: 'the end of the job', timeoutMs: 120_000 },
  )
  const chunks: LogChunk[] = []
  for (let next = 0; ; ) {
    const some = await store.logs.readChunks({ jobId: job.id, attempt: 1 }, next)
    const last = some.at(-1)
    if (!last) break
    chunks.push(...some)
    next = last.firstLine + last.lineCount
  }
  const lines = chunks.flatMap((chunk) => linesOf(chunk))
  const marks = lines.filter(
    ({ stream, text }) => stream === 'narwhal' && /omitted here.*--log-size/.test(text),
  )
  return { job, attempt: job.attempts[0], chunks, lines, marks }
}

const printed = (count: number): string =>
  `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i of many"; done`

test('SEC-09: of a log over its limit the beginning and the end are kept, and a line says what is missing', async () => {
  const much = `head -c ${48 * MiB} /dev/zero | tr '\\0' x | fold -w 99`
  const { job, attempt, chunks, lines, marks } = await runJob('echo first', much, printed(50))
  assert.equal(job.state.status === 'finished' && job.state.outcome, 'success')
  assert.equal(lines[0]?.text, 'first')
  assert.equal(lines.at(-1)?.text, 'line 50 of many')
  assert.equal(marks.length, 1)
  const cutAt = lines.findIndex(({ text }) =>
    text.startsWith('the log exceeds 16 MiB (--log-size)'),
  )
  assert.equal(lines[cutAt + 1], marks[0])
  const [, count] =
    /^(\d+) lines \(\d+(?:\.\d)? MiB\) omitted here/.exec(marks[0]?.text ?? '') ?? []
  // Nothing is missing except what is reported.
  const whole = Math.ceil((48 * MiB) / 99) + 51
  // Two lines are Narwhal's own: that the log is truncated, and by how much.
  assert.equal(lines.length - 2 + Number(count), whole)
  assert.equal(attempt?.lines, lines.length)
  const bytes = chunks.reduce((sum, chunk) => sum + costOf(chunk), 0)
  assert.ok(bytes <= LEAST_LOG_BYTES, `${bytes} bytes are kept`)
  const tail = lines.slice(lines.findIndex((line) => marks.includes(line)) + 1)
  assert.ok(tail.reduce((sum, { text }) => sum + text.length + 1, 0) >= 4 * MiB - 64 * 1024)
  // The runner has sent no more than what is kept.
  assert.ok((attempt?.logBytes ?? 0) <= LEAST_LOG_BYTES)
})

test('SEC-09b: a job that never stops printing is killed, and the reason names the limit', async () => {
  const { job, lines, marks } = await runJob('echo first; yes "$(printf %01000d 0)"')
  const { state } = job
  assert.equal(state.status === 'finished' && state.outcome, 'failure')
  const reason = (state.status === 'finished' && state.reason) || ''
  assert.match(
    reason,
    /log_limit: the job printed more than 10 times the limit of 16 MiB .*--log-size/,
  )
  assert.equal(lines[0]?.text, 'first')
  assert.equal(marks.length > 0, true)
})

/** An event of a runner that ignores all limits. */
function message(seq: number, chunk: LogChunk): ReceivedEvent {
  return { seq, at: 2, event: { type: 'log', chunk } }
}

test('SEC-09c: log data over the limit is not stored, and then the runner is rejected', () => {
  const text = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(1024))
  const chunk = packChunk({ step: 0, runs: [{ count: 1024, stream: 'stdout', at: 1 }], text })
  const limits = { arrivedAt: 3, maxAttempts: 1, logBytes: LEAST_LOG_BYTES }
  let attempt = anAttempt({ lastSeq: 0, lines: 0 })
  const stored: LogChunk[] = []
  const send = (seq: number): void => {
    const progress = addProgress(attempt, [message(seq, chunk)], limits)
    attempt = progress.attempt
    stored.push(...chunksOf(progress, LEAST_LOG_BYTES))
  }
  for (let seq = 1; seq <= 100; seq++) send(seq)
  const last = stored.pop()
  assert.match(linesOf(last ?? chunk)[0]?.text ?? '', /^the rest of this log was dropped: .*16 MiB/)
  assert.ok(stored.length * MiB <= LEAST_LOG_BYTES + MiB)
  assert.equal(attempt.lines, stored.length * 1024 + 1)
  assert.throws(
    () => {
      for (let seq = 101; seq < 1000; seq++) send(seq)
    },
    { code: 'invalid', message: /more lines for one attempt than allowed/ },
  )
})

test('SEC-09d: log chunks without text count towards the limit', () => {
  const empty = packChunk({ step: 0, runs: [], text: Buffer.alloc(0) })
  const limits = { arrivedAt: 3, maxAttempts: 1, logBytes: LEAST_LOG_BYTES }
  const attempt = anAttempt({ lastSeq: 0, lines: 0, logBytes: 0 })
  const messages = Array.from({ length: 1_000 }, (_, index) => message(index + 1, empty))
  const progress = addProgress(attempt, messages, limits)
  assert.ok(progress.attempt.logBytes >= 64 * 1_000)
})
