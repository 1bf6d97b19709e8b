import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { FACTS, logOf, openSpools, readAll, wordsOf } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { chunkOf, linesOf } from '../../contract/log/log-chunk.ts'
import type { AttemptEvent } from '../../core/attempt/attempt-event.ts'

const MARK = 'runner one was restarted while the job was running: lines may be missing after this'
const CUT = "the end of this log was damaged on the runner's disk: it is cut off here"
const said = (step: number, text: string): AttemptEvent => ({
  type: 'log',
  chunk: chunkOf(step, [{ at: 5, stream: 'stdout', text }]),
})

/** What a former process told of an attempt before it ended. */
async function leave(folder: string, events: readonly AttemptEvent[]): Promise<void> {
  await using spools = await openSpools(folder)
  const spool = spools.create(FACTS, () => {})
  for (const event of events) spool.append(event)
}

async function findSegments(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true })
  return found
    .filter((name) => name.endsWith('.segment'))
    .toSorted()
    .map((name) => join(folder, name))
}

const BEGUN: readonly AttemptEvent[] = [
  { type: 'started', instanceId: 'instance_former' },
  { type: 'step_started', step: 0 },
  { type: 'step_finished', step: 0, outcome: 'success', exitCode: 0 },
  { type: 'step_started', step: 1 },
  said(1, 'a line'),
]
const ENDING = [
  `log 1: ${MARK}`,
  'step_finished 1 error',
  'step_finished 2 skipped',
  'finished error runner',
]

test('reports the end of an attempt that a former process did not live to see', async () => {
  await using dir = await tempDir()
  await leave(dir.path, BEGUN)
  await using spools = await openSpools(dir.path)
  const [attempt, ...others] = spools.recovered
  assert.ok(attempt && others.length === 0)
  const { events, hadFinished, ...facts } = attempt
  assert.deepEqual(facts, FACTS)
  assert.equal(hadFinished, false)
  const all = await readAll(events)
  assert.deepEqual(wordsOf(all).slice(4), ['log 1: a line', ...ENDING])
  assert.deepEqual(
    all.map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  assert.deepEqual(
    all.slice(0, 5).map(({ event }) => event),
    BEGUN,
  )
  assert.ok(!events.isEmpty)
  events.acknowledge(9)
  assert.ok(events.isEmpty)
  await eventually(async () => (await readdir(dir.path)).length === 0)
})

test('goes on behind what the dispatcher has, also where the disk had less', async () => {
  await using dir = await tempDir()
  await leave(dir.path, BEGUN)
  await using spools = await openSpools(dir.path)
  const [attempt] = spools.recovered
  assert.ok(attempt)
  attempt.events.acknowledge(40)
  assert.ok(!attempt.events.isEmpty)
  const all = await readAll(attempt.events, 40)
  assert.deepEqual(
    all.map(({ seq }) => seq),
    [41, 42, 43, 44],
  )
  assert.deepEqual(wordsOf(all), ENDING)
})

test('says the same again when the next process, too, dies before that is acknowledged', async () => {
  await using dir = await tempDir()
  await leave(dir.path, BEGUN)
  for (let life = 0; life < 2; life++) {
    await using spools = await openSpools(dir.path)
    const [attempt] = spools.recovered
    assert.deepEqual(wordsOf(await readAll(attempt?.events ?? assert.fail())).slice(5), ENDING)
    attempt?.events.acknowledge(3)
  }
})

test('gives back an attempt that had finished as it was', async () => {
  await using dir = await tempDir()
  const finished: AttemptEvent = { type: 'finished', outcome: 'failure', reason: 'step "a"' }
  await leave(dir.path, [...BEGUN, finished])
  await using spools = await openSpools(dir.path)
  const [attempt] = spools.recovered
  assert.equal(attempt?.hadFinished, true)
  const all = await readAll(attempt.events)
  assert.deepEqual(all.at(-1)?.event, finished)
  attempt.events.acknowledge(6)
  await eventually(async () => (await readdir(dir.path)).length === 0)
})

test('an attempt that had told nothing is told to have started and ended', async () => {
  await using dir = await tempDir()
  await leave(dir.path, [said(0, 'preparing')])
  await using spools = await openSpools(dir.path)
  const words = wordsOf(await readAll(spools.recovered[0]?.events ?? assert.fail()))
  const skipped = [0, 1, 2].map((step) => `step_finished ${step} skipped`)
  assert.deepEqual(words, [
    'log 0: preparing',
    'started',
    `log 0: ${MARK}`,
    ...skipped,
    'finished error runner',
  ])
})

for (const [what, spoil] of [
  ['was cut off', async (path: string, size: number) => await truncate(path, size - 3)],
  [
    'has a wrong byte',
    async (path: string, size: number) => {
      const bytes = await readFile(path)
      bytes[size - 3] = (bytes[size - 3] ?? 0) ^ 1
      await writeFile(path, bytes)
    },
  ],
  [
    'was filled with zeros',
    async (path: string, size: number) => {
      await truncate(path, size - 20)
      await truncate(path, size + 4000)
    },
  ],
] as const) {
  test(`a file whose end ${what} counts up to there, and says so`, async () => {
    await using dir = await tempDir()
    await leave(dir.path, [...BEGUN, said(1, 'a line that will be spoiled')])
    const [path] = await findSegments(dir.path)
    assert.ok(path)
    await spoil(path, (await readFile(path)).length)
    await using spools = await openSpools(dir.path)
    const words = wordsOf(await readAll(spools.recovered[0]?.events ?? assert.fail()))
    const [, ...rest] = ENDING
    assert.deepEqual(words.slice(4), ['log 1: a line', `log 1: ${CUT}|${MARK}`, ...rest])
  })
}

test('damage in one segment cuts off those behind it', async () => {
  await using dir = await tempDir()
  {
    await using spools = await openSpools(dir.path, { attemptBytes: 2 ** 20 })
    const spool = spools.create(FACTS, () => {})
    for (const event of BEGUN) spool.append(event)
    for (let index = 0; index < 14; index++) spool.append(logOf(index * 10, 10, 64 * 1024))
  }
  const [first, second, third] = await findSegments(dir.path)
  assert.ok(first && second && third)
  const bytes = await readFile(second)
  bytes.fill(0xff, 500, 510)
  await writeFile(second, bytes)
  await using spools = await openSpools(dir.path)
  const all = await readAll(spools.recovered[0]?.events ?? assert.fail())
  assert.ok(all.length > 10 && all.length < 20)
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, index) => index + 1),
  )
  assert.match(wordsOf(all).at(-4) ?? '', /cut off here/)
})

for (const [what, spoil] of [
  [
    'damaged',
    async (path: string) => {
      const bytes = await readFile(path)
      bytes.fill(0xff, 200_000, 200_010)
      await writeFile(path, bytes)
    },
  ],
  ['removed', async (path: string) => await rm(path)],
] as const) {
  test(`a file that is ${what} while the attempt runs costs lines, and the log says where`, async () => {
    await using dir = await tempDir()
    await using spools = await openSpools(dir.path, { attemptBytes: 4 * 2 ** 20 })
    const spool = spools.create(FACTS, () => {})
    const fill = async (first: number, end: number) => {
      for (let index = first; index < end; index++) {
        spool.append(logOf(index * 10, 10, 64 * 1024))
        await spool.room()
      }
    }
    for (const event of BEGUN) spool.append(event)
    await fill(0, 10)
    spool.append({ type: 'step_finished', step: 1, outcome: 'success' })
    spool.append({ type: 'step_started', step: 2 })
    await fill(10, 30)
    await eventually(async () => (await findSegments(dir.path)).length > 1)
    const [path] = await findSegments(dir.path)
    await spoil(path ?? assert.fail())
    const all = await readAll(spool)
    assert.deepEqual(
      all.map(({ seq }) => seq),
      Array.from({ length: 37 }, (_, index) => index + 1),
    )
    const words = wordsOf(all)
    assert.equal(words.filter((text) => text.includes('lines are missing here')).length, 1)
    assert.ok(words.includes('step_finished 1 success') && words.includes('step_started 2'))
  })
}

test('what is no spool stops nobody from starting', async () => {
  await using dir = await tempDir()
  await leave(dir.path, BEGUN)
  await mkdir(dir.join('job_a-1-empty'))
  await mkdir(dir.join('job_b-1-torn'))
  await writeFile(dir.join('job_b-1-torn', '00000001.segment'), 'xyz')
  await mkdir(dir.join('job_c-1-zero'))
  await writeFile(dir.join('job_c-1-zero', '00000001.segment'), '')
  await writeFile(dir.join('a-file'), 'text')
  await using spools = await openSpools(dir.path)
  assert.equal(spools.recovered.length, 1)
  assert.equal((await readdir(dir.path)).length, 2)
})

test('a process that is killed in full writing leaves a whole beginning', async () => {
  await using dir = await tempDir()
  const writer = join(import.meta.dirname, '../../../test/support/spool-writer-process.ts')
  const child = spawn(process.execPath, [writer, dir.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  await eventually(async () => {
    const segments = await findSegments(dir.path)
    return segments.length > 3
  })
  child.kill('SIGKILL')
  await gone
  await using spools = await openSpools(dir.path)
  const [attempt] = spools.recovered
  assert.ok(attempt && !attempt.hadFinished)
  let line = 0
  let seq = 0
  for (let next = await attempt.events.next(0); next; next = await attempt.events.next(seq)) {
    assert.equal(next.seq, ++seq)
    if (next.event.type !== 'log') continue
    for (const { stream, text } of linesOf(next.event.chunk)) {
      if (stream === 'stdout') assert.equal(Number.parseInt(text), line++)
      else assert.match(text, /was restarted|cut off here/)
    }
  }
  assert.ok(line > 10_000, `${line} lines`)
  assert.deepEqual(wordsOf([(await attempt.events.next(seq - 1)) ?? assert.fail()]), [
    'finished error runner',
  ])
})
