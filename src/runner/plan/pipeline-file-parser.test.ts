import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../../../test/support/eventually.ts'
import { PipelineFileParser } from './pipeline-file-parser.ts'

const GOOD = 'steps: [npm test]'

/** A thread that does what each text tells it in JavaScript, so that it can be made to misbehave. */
const OBEDIENT = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ text }) => parentPort.postMessage((0, eval)(text)))
    parentPort.postMessage('ready')
  `)}`,
)

test('reads in a thread what is read without one', async () => {
  await using parser = new PipelineFileParser({ timeoutMs: 60_000 })
  const [good, bad] = await Promise.all([parser.parse(GOOD), parser.parse('step: [a]')])
  assert.ok(good.ok)
  assert.equal(good.plan.jobs[0]?.steps[0]?.command, 'npm test')
  assert.ok(!bad.ok)
  assert.match(bad.problems[0]?.message ?? '', /steps is missing/)
})

test('ends a thread that takes too long, and reads the next text in a fresh one', async () => {
  await using parser = new PipelineFileParser({ timeoutMs: 200, entry: OBEDIENT })
  const stuck = parser.parse('for (;;) {}')
  const next = parser.parse('"next"')
  assert.deepEqual(await stuck, {
    ok: false,
    problems: [
      {
        message: 'narwhal.yml took more than 0.2 s to parse',
        line: 1,
        column: 1,
        excerpt: '',
      },
    ],
  })
  assert.equal(await next, 'next')
})

test('gives a file a second of a processor, and does not count when it waits for one', async () => {
  await using usual = new PipelineFileParser({ entry: OBEDIENT })
  await using short = new PipelineFileParser({ timeoutMs: 50, entry: OBEDIENT })
  const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); "waited"'
  const [ended, waited] = await Promise.all([usual.parse('for (;;) {}'), short.parse(wait)])
  assert.equal(!ended.ok && ended.problems[0]?.message, 'narwhal.yml took more than 1 s to parse')
  assert.equal(waited, 'waited')
})

test('survives a thread that runs out of memory', async () => {
  await using parser = new PipelineFileParser({
    timeoutMs: 60_000,
    memoryMib: 32,
    entry: OBEDIENT,
  })
  const answer = await parser.parse('const all = []; for (;;) all.push({ a: [1, 2, 3] })')
  assert.ok(!answer.ok)
  assert.equal(answer.problems[0]?.message, 'narwhal.yml took more than 32 MiB of memory to parse')
  assert.equal(await parser.parse('"next"'), 'next')
})

test('rejects when the thread fails by itself, and goes on with the next text', async () => {
  await using parser = new PipelineFileParser({ timeoutMs: 60_000, entry: OBEDIENT })
  await assert.rejects(parser.parse('throw new Error("our bug")'), {
    code: 'internal',
    message: 'our bug',
  })
  await assert.rejects(parser.parse('process.exit(3)'), { code: 'internal', message: /has ended/ })
  assert.equal(await parser.parse('"next"'), 'next')
})

test('shares no environment with the thread, and keeps it warm', async () => {
  await using parser = new PipelineFileParser({ timeoutMs: 60_000, entry: OBEDIENT })
  const cache = process.env['NODE_COMPILE_CACHE'] ? ['NODE_COMPILE_CACHE'] : []
  assert.deepEqual(await parser.parse('Object.keys(process.env)'), cache)
  await parser.parse('globalThis.kept = 1')
  assert.equal(await parser.parse('globalThis.kept'), 1)
})

test('ends a thread that has had no text for a while, but none that is reading one', async () => {
  await using parser = new PipelineFileParser({ idleMs: 1, timeoutMs: 60_000, entry: OBEDIENT })
  await parser.parse('globalThis.kept = 1')
  await eventually(async () =>
    assert.equal(await parser.parse('String(globalThis.kept)'), 'undefined'),
  )
  const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100); "waited"'
  const waiting = parser.parse(wait)
  parser.warmUp()
  assert.equal(await waiting, 'waited')
})

test('rejects what waits when it is disposed, also twice', async () => {
  const parser = new PipelineFileParser({ timeoutMs: 60_000, entry: OBEDIENT })
  await parser.parse('1')
  const answers = Promise.allSettled([parser.parse('for (;;) {}'), parser.parse('2')])
  await parser[Symbol.asyncDispose]()
  await parser[Symbol.asyncDispose]()
  for (const answer of await answers) {
    assert.ok(answer.status === 'rejected')
    assert.equal((answer.reason as { code?: string }).code, 'cancelled')
  }
  await assert.rejects(parser.parse(GOOD), { code: 'cancelled' })
})

test('refuses a text that is too large without a thread', async () => {
  await using parser = new PipelineFileParser({ entry: new URL('data:text/javascript,nonsense(') })
  const answer = await parser.parse('x'.repeat(100 * 1024 * 1024))
  assert.ok(!answer.ok)
  assert.match(answer.problems[0]?.message ?? '', /1 MiB/)
})

test('a thread that was ready before the first text answers it', async () => {
  await using warm = new PipelineFileParser({ entry: OBEDIENT, timeoutMs: 60_000 })
  warm.warmUp()
  // One that starts after it, and has started when it answers.
  await using other = new PipelineFileParser({ entry: OBEDIENT, timeoutMs: 60_000 })
  await other.parse('"first"')
  warm.warmUp()
  assert.equal(await warm.parse('"next"'), 'next')
})

test('lets the process end while the thread is idle', async () => {
  const module = JSON.stringify(new URL('./pipeline-file-parser.ts', import.meta.url).href)
  const code = `
    const { PipelineFileParser } = await import(${module})
    const parser = new PipelineFileParser({ timeoutMs: 60000 })
    new PipelineFileParser().warmUp()
    console.log((await parser.parse(${JSON.stringify(GOOD)})).ok)
  `
  const args = ['--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  assert.equal(stdout, 'true\n')
})
