import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../../../test/support/eventually.ts'
import { FACTS, logOf, openSpools, readAll, wordsOf } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'

const run = promisify(execFile)
const skip = process.getuid?.() === 0 ? false : 'only root can mount a small disk'

async function smallDisk(stack: AsyncDisposableStack): Promise<string> {
  const { path } = stack.use(await tempDir('narwhal-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path])
  stack.defer(async () => void (await run('umount', ['--lazy', path])))
  return path
}

test('a full disk makes writers wait, says so, and loses nothing', { skip }, async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await smallDisk(stack)
  const ballast = `${folder}/ballast`
  await writeFile(ballast, Buffer.alloc(6 * 2 ** 20))
  const spools = stack.use(await openSpools(`${folder}/spool`))
  const spool = spools.create(FACTS, () => {})
  let appended = 0
  for (; !spools.trouble; appended++) {
    spool.append(logOf(appended * 10, 10, 64 * 1024))
    await Promise.race([spool.room(), eventually(() => spools.trouble !== '').catch(() => {})])
  }
  assert.match(spools.trouble, /no space left/)
  while (!spool.room()) spool.append(logOf(appended++ * 10, 10, 64 * 1024))
  assert.ok(spool.memoryBytes < 3 * 2 ** 20)
  // What is in memory, and what did come to the disk, can be read meanwhile.
  assert.equal((await readAll(spool)).length, appended)

  await rm(ballast)
  await spool.room()
  await eventually(() => spools.trouble === '')
  spool.append({ type: 'finished', outcome: 'success' })
  await spools[Symbol.asyncDispose]()
  const next = stack.use(await openSpools(`${folder}/spool`))
  const [attempt] = next.recovered
  assert.equal(attempt?.hadFinished, true)
  const all = await readAll(attempt.events)
  assert.deepEqual(
    all.map(({ seq }) => seq),
    Array.from({ length: appended + 1 }, (_, index) => index + 1),
  )
  assert.equal(wordsOf(all).at(-1), 'finished success')
  assert.deepEqual(all[appended - 1]?.event, logOf((appended - 1) * 10, 10, 64 * 1024))
})

test('with a full disk a job goes on as fast as it is acknowledged', { skip }, async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await smallDisk(stack)
  const spools = stack.use(await openSpools(`${folder}/spool`))
  await writeFile(`${folder}/ballast`, Buffer.alloc(9 * 2 ** 20)).catch(() => undefined)
  const spool = spools.create(FACTS, () => {})
  for (let index = 0; index < 100; index++) {
    spool.append(logOf(index * 10, 10, 64 * 1024))
    const next = await spool.next(index)
    assert.equal(next?.seq, index + 1)
    spool.acknowledge(index + 1)
    assert.equal(spool.room(), undefined)
  }
  spool.append({ type: 'finished', outcome: 'success' })
  spool.acknowledge(101)
  assert.equal(spools.trouble, '')
})

test('what is given up takes its trouble with it', { skip }, async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await smallDisk(stack)
  const spools = stack.use(await openSpools(`${folder}/spool`))
  await writeFile(`${folder}/ballast`, Buffer.alloc(9 * 2 ** 20)).catch(() => undefined)
  const [one, two] = [1, 2].map((attempt) => spools.create({ ...FACTS, attempt }, () => {}))
  assert.ok(one && two)
  for (const spool of [one, two]) while (!spool.room()) spool.append(logOf(0, 10, 64 * 1024))
  const rooms = [one.room(), two.room()]
  await eventually(() => spools.trouble !== '')
  one.discard()
  two.discard()
  for (const room of rooms) await room
  await spools[Symbol.asyncDispose]()
  assert.equal(spools.trouble, '')
})
