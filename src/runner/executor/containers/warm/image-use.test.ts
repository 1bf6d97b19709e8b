import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { ImageUse, shareOut } from './image-use.ts'

const DAY = 24 * 3_600_000

test('scores decay over time, and survive a restart', async () => {
  await using dir = await tempDir()
  const file = dir.join('deep', 'images.json')
  const uses = await ImageUse.open(file)
  for (let day = 0; day < 4; day++) uses.count('node:24', day * DAY)
  uses.count('rare:1', 0)
  const names = (use: ImageUse, day: number) => use.ranking(day * DAY).map(({ image }) => image)
  assert.deepEqual(names(uses, 4), ['node:24', 'rare:1'])
  assert.deepEqual(names(uses, 9), ['node:24'])
  await uses.saved()
  assert.deepEqual(await readdir(dir.join('deep')), ['images.json'])
  assert.deepEqual(names(await ImageUse.open(file), 9), ['node:24'])
  assert.deepEqual(names(await ImageUse.open(file), 60), [])
})

test('the number of images is limited, and a corrupt file is ignored', async () => {
  await using dir = await tempDir()
  const file = dir.join('images.json')
  await writeFile(file, '{"a": {"score": "many"}}')
  const uses = await ImageUse.open(file)
  assert.deepEqual(uses.ranking(), [])
  for (let n = 0; n < 200; n++) uses.count(`image:${n}`, DAY + n)
  assert.equal(uses.ranking(DAY).length, 50)
  await uses.saved()
})

test('one of each recently used image is kept warm, and more of the most used', () => {
  const ranking = [
    { image: 'a', score: 10 },
    { image: 'b', score: 6 },
    { image: 'c', score: 1 },
  ]
  const shares = (size: number) => Object.fromEntries(shareOut(ranking, size))
  assert.deepEqual(shares(0), {})
  assert.deepEqual(shares(2), { a: 1, b: 1 })
  assert.deepEqual(shares(6), { a: 3, b: 2, c: 1 })
  assert.deepEqual(Object.fromEntries(shareOut([], 3)), {})
})
