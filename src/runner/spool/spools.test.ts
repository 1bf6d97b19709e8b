import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { FACTS, logOf, openSpools, readAll } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { linesOf } from '../../contract/log/log-chunk.ts'
import type { EventSpool } from './event-spool.ts'

const MB = 2 ** 20
const nothing = () => {}

/** Appends as a step does: waits where it is asked to. */
async function fill(spool: EventSpool, events: number, bytes: number): Promise<void> {
  for (let index = 0; index < events; index++) {
    spool.append(logOf(index * 10, 10, bytes))
    await spool.room()
  }
}

async function listFiles(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}

test('gives the events in their order over the borders of segments, from wherever one asks', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path, { attemptBytes: 16 * MB })
  const spool = spools.create(FACTS, nothing)
  await fill(spool, 200, 64 * 1024)
  await eventually(async () => (await listFiles(dir.path)).length >= 3)
  const all = await readAll(spool)
  assert.deepEqual(
    all.map(({ seq }) => seq),
    Array.from({ length: 200 }, (_, index) => index + 1),
  )
  assert.deepEqual(all[77]?.event, logOf(770, 10, 64 * 1024))
  assert.equal((await spool.next(0))?.seq, 1)
  assert.equal((await spool.next(150))?.seq, 151)
  assert.equal((await spool.next(3))?.seq, 4)
  assert.equal(spool.next(200), undefined)
})

test('removes segments as they are acknowledged, and everything after the last event', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path, { attemptBytes: 16 * MB })
  const spool = spools.create(FACTS, nothing)
  await fill(spool, 200, 64 * 1024)
  await eventually(async () => (await listFiles(dir.path)).length === 4)
  spool.acknowledge(100)
  await eventually(async () => (await listFiles(dir.path)).length === 3)
  assert.ok(spool.bytes < 9 * MB)
  assert.equal((await spool.next(0))?.seq, 101)
  assert.equal((await readAll(spool)).length, 100)
  spool.append({ type: 'finished', outcome: 'success' })
  assert.equal((await readAll(spool, 200)).length, 1)
  spool.acknowledge(201)
  assert.ok(spool.isEmpty)
  await eventually(async () => (await readdir(dir.path)).length === 0)
  assert.equal(spools.bytes, 0)
})

test('keeps little in memory of a long log that nobody reads, and gives back every line', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path)
  const spool = spools.create(FACTS, nothing)
  let most = 0
  const count = 3200
  for (let index = 0; index < count; index++) {
    spool.append(logOf(index * 100, 100, 64 * 1024))
    most = Math.max(most, spool.memoryBytes)
    await spool.room()
  }
  assert.ok(most < 2 * MB, `${most} bytes in memory`)
  let line = 0
  for (let seq = 1; seq <= count; seq++) {
    const next = await spool.next(seq - 1)
    assert.equal(next?.seq, seq)
    assert.ok(next.event.type === 'log')
    for (const { text } of linesOf(next.event.chunk)) assert.equal(Number.parseInt(text), line++)
  }
  assert.equal(line, count * 100)
  spool.discard()
  await eventually(async () => (await readdir(dir.path)).length === 0)
})

test('asks to wait when an attempt has too much on the disk, until some is acknowledged', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path, { attemptBytes: 4 * MB })
  const spool = spools.create(FACTS, nothing)
  while (spool.bytes < 4 * MB) {
    spool.append(logOf(0, 10, 64 * 1024))
    await Promise.race([spool.room(), new Promise((resolve) => setImmediate(resolve))])
  }
  let waits = true
  const room = spool.room()?.then(() => (waits = false))
  assert.ok(room)
  spool.acknowledge(1)
  await Promise.resolve()
  assert.ok(waits)
  spool.acknowledge(spool.lastSeq - 1)
  await room
})

test('asks all to wait when all together have too much on the disk', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path, { attemptBytes: 4 * MB, totalBytes: 6 * MB })
  const [one, two] = [1, 2].map((attempt) => spools.create({ ...FACTS, attempt }, nothing))
  assert.ok(one && two)
  const fillUp = async (spool: EventSpool) => {
    while (spool.bytes < 3.5 * MB && !(spool.room() && spools.bytes > 6 * MB)) {
      spool.append(logOf(0, 10, 64 * 1024))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await fillUp(one)
  await fillUp(two)
  await eventually(() => spools.bytes > 6 * MB)
  assert.ok(one.room())
  assert.match(spools.trouble, /is full/)
  const room = two.room()
  assert.ok(room)
  one.discard()
  await room
  assert.equal(two.room(), undefined)
  assert.equal(spools.trouble, '')
})

test('what is acknowledged before it came to the disk is never written', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path)
  const spool = spools.create(FACTS, nothing)
  spool.append({ type: 'started', instanceId: 'i' })
  spool.append({ type: 'finished', outcome: 'success' })
  spool.acknowledge(2)
  assert.ok(spool.isEmpty)
  await spools[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(dir.path), [])
})

test('only the owner may read what is on the disk', async () => {
  await using dir = await tempDir()
  const folder = dir.join('spool')
  await using spools = await openSpools(folder)
  spools.create(FACTS, nothing).append({ type: 'step_started', step: 0 })
  await eventually(async () => (await listFiles(folder)).length === 1)
  const modes = [
    folder,
    join(folder, (await readdir(folder))[0] ?? ''),
    ...(await listFiles(folder)),
  ]
  assert.deepEqual(
    await Promise.all(modes.map(async (path) => ((await stat(path)).mode & 0o777).toString(8))),
    ['700', '700', '600'],
  )
})
