import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { FACTS, logOf, openSpools } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import type { EventSpool } from './event-spool.ts'

interface OpenSpool extends AsyncDisposable {
  readonly spool: EventSpool
}

async function openSpool(onAppend = () => {}): Promise<OpenSpool> {
  const dir = await tempDir()
  const spools = await openSpools(dir.path)
  return {
    spool: spools.create(FACTS, onAppend),
    [Symbol.asyncDispose]: async () => {
      await spools[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

function appendSteps(spool: EventSpool, count: number): void {
  for (let step = 0; step < count; step++) spool.append({ type: 'step_started', step })
}

/** What is at hand without the disk. */
function nextOf(spool: EventSpool, afterSeq: number): number | undefined {
  const next = spool.next(afterSeq)
  assert.ok(!(next instanceof Promise))
  return next?.seq
}

test('numbers events from 1 and gives the one behind a number, at once', async () => {
  let told = 0
  await using open = await openSpool(() => (told += 1))
  appendSteps(open.spool, 3)
  assert.equal(open.spool.lastSeq, 3)
  assert.equal(told, 3)
  assert.deepEqual(
    [0, 1, 2, 3, 9].map((seq) => nextOf(open.spool, seq)),
    [1, 2, 3, undefined, undefined],
  )
})

test('forgets what is acknowledged, once and never too much', async () => {
  await using open = await openSpool()
  const { spool } = open
  appendSteps(spool, 5)
  spool.acknowledge(2)
  spool.acknowledge(1)
  assert.equal(nextOf(spool, 0), 3)
  assert.equal(nextOf(spool, 2), 3)
  spool.acknowledge(99)
  assert.ok(spool.isEmpty)
  assert.equal(spool.bytes, 0)
  spool.append({ type: 'finished', outcome: 'success' })
  assert.equal(nextOf(spool, 5), 6)
})

test('a reader that comes back is given again what it did not acknowledge', async () => {
  await using open = await openSpool()
  const { spool } = open
  for (let index = 0; index < 100; index++) {
    spool.append(logOf(index, 1, 64 * 1024))
    await spool.room()
  }
  await eventually(() => spool.memoryBytes <= 2 ** 20)
  assert.equal((await spool.next(0))?.seq, 1)
  assert.equal((await spool.next(50))?.seq, 51)
  spool.acknowledge(20)
  assert.equal((await spool.next(0))?.seq, 21)
  assert.equal(nextOf(spool, 99), 100)
})

test('two readers at once get each what they asked for', async () => {
  await using open = await openSpool()
  const { spool } = open
  for (let index = 0; index < 100; index++) {
    spool.append(logOf(index, 1, 64 * 1024))
    await spool.room()
  }
  await eventually(() => spool.memoryBytes <= 2 ** 20)
  const found = await Promise.all([0, 30, 0, 60, 30].map(async (seq) => await spool.next(seq)))
  assert.deepEqual(
    found.map((next) => next?.seq),
    [1, 31, 1, 61, 31],
  )
})

test('what is discarded is gone at once, and nobody has to wait for it', async () => {
  await using open = await openSpool()
  const { spool } = open
  while (!spool.room()) spool.append(logOf(0, 10, 64 * 1024))
  const room = spool.room()
  spool.discard()
  await room
  assert.ok(spool.isEmpty)
  appendSteps(spool, 1)
  assert.ok(spool.isEmpty)
  assert.equal(spool.next(0), undefined)
})
