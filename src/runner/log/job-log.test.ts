import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FACTS, openSpools, readAll, wordsOf } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { chunkOf, linesOf } from '../../contract/log/log-chunk.ts'
import { LEAST_LOG_BYTES } from '../../core/attempt/log-limit.ts'
import { JobLog } from './job-log.ts'

const KiB = 1024

async function openLog() {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const spools = stack.use(await openSpools(dir.path))
  const events = spools.create(FACTS, () => {})
  let floods = 0
  const log = new JobLog(events, { maxBytes: LEAST_LOG_BYTES, onFlood: () => floods++ })
  const owned = stack.move()
  return {
    events,
    log,
    floods: () => floods,
    /** Adds a line of so many bytes, as a chunk of its own. */
    print(name: string, bytes: number, step = 0): void {
      const text = `${name} ${'x'.repeat(bytes)}`
      log.add(chunkOf(step, [{ at: 1, stream: 'stdout', text }]))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The first words of each line that was told. */
const told = async ({ events }: { events: Parameters<typeof readAll>[0] }): Promise<string[]> =>
  (await readAll(events)).flatMap(({ event }) =>
    event.type === 'log' ? linesOf(event.chunk).map(({ text }) => text.slice(0, 40)) : [],
  )

test('what is within the limit is told as it comes', async () => {
  await using world = await openLog()
  world.print('one', 10)
  world.print('two', 10, 1)
  assert.deepEqual(wordsOf(await readAll(world.events)), [
    `log 0: one ${'x'.repeat(10)}`,
    `log 1: two ${'x'.repeat(10)}`,
  ])
  await world.log.release()
  assert.equal((await told(world)).length, 2)
})

test('above the limit it is told at once that it is cut, and the newest at the end', async () => {
  await using world = await openLog()
  for (let n = 0; n < 200; n++) world.print(`part ${n}`, 256 * KiB, n)
  const shown = await told(world)
  assert.match(shown.at(-1) ?? '', /^the log exceeds 16 MiB \(--log-size\)/)
  const before = shown.slice(0, -1)
  assert.ok(before.length < 64)
  assert.equal(world.log.room(), undefined)
  await world.log.release()
  const lines = (await told(world)).slice(shown.length)
  const [mark = '', ...tail] = lines
  assert.match(mark, /^\d+ lines \(\d/)
  assert.equal(Number.parseInt(mark, 10) + before.length + tail.length, 200)
  assert.match(tail.at(-1) ?? '', /^part 199 /)
  assert.equal(tail.length, 16)
})

test('what has reached the limit and lost nothing has no mark', async () => {
  await using world = await openLog()
  for (let n = 0; n < 16; n++) world.print(`part ${n}`, 900 * KiB)
  await world.log.release()
  assert.deepEqual(
    (await told(world)).map((line) => line.split(' x')[0]),
    Array.from({ length: 16 }, (_, n) => `part ${n}`),
  )
})

test('many small parts of the end take little memory', async () => {
  await using world = await openLog()
  for (let n = 0; n < 20; n++) world.print('much', 900 * KiB)
  for (let n = 0; n < 50_000; n++) world.print('little', 1)
  await world.log.release()
  const lines = await told(world)
  assert.ok(lines.filter((line) => line.startsWith('little')).length <= 20_000)
})

test('ten times the limit is told of once', async () => {
  await using world = await openLog()
  for (let n = 0; n < 200; n++) world.print('flood', 900 * KiB)
  assert.equal(world.floods(), 1)
})
