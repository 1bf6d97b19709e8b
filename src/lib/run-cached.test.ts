import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import { runCached } from './run-cached.ts'

/** Has a function that is compiled only when it is called. */
const CODE = `
exports.where = () => require('node:path').basename(__filename)
exports.add = function add(a, b) { return a + b }
`

/** Runs the file and keeps its code; the result of `add`, and what is kept. */
async function runOnce(dir: TempDir, folder: string | undefined = dir.join('cache')) {
  const { exports, keep } = runCached(dir.join('code.cjs'), folder)
  const { where, add } = exports as Readonly<Record<string, (...values: number[]) => unknown>>
  assert.equal(where?.(), 'code.cjs')
  const sum = add?.(1, 2)
  keep()
  return { sum, kept: await readdir(dir.join('cache')).catch(() => []) }
}

test('a file runs as a module, and its code is kept for the next time', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('code.cjs'), CODE)
  const first = await runOnce(dir)
  assert.deepEqual([first.sum, first.kept.length], [3, 1])
  assert.deepEqual(await runOnce(dir), first)
})

test('the code of a file that has changed is replaced', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('code.cjs'), CODE)
  const { kept } = await runOnce(dir)
  await writeFile(dir.join('code.cjs'), `${CODE.replace('a + b', 'a + b + 10')}\n`)
  const after = await runOnce(dir)
  assert.equal(after.sum, 13)
  assert.equal(after.kept.length, 1)
  assert.notDeepEqual(after.kept, kept)
})

test('code that V8 can not use, and a folder that can not be written to, do no harm', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('code.cjs'), CODE)
  const { kept } = await runOnce(dir)
  await writeFile(dir.join('cache', kept[0] ?? ''), 'of another V8')
  assert.deepEqual(await runOnce(dir), { sum: 3, kept })
  assert.equal((await runOnce(dir, '/dev/null/nothing')).sum, 3)
  assert.equal((await runOnce(dir, undefined)).sum, 3)
})
