import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { linesOf } from '../../contract/log/log-chunk.ts'
import { ChunkPacker } from './chunk-packer.ts'

const line = (text: string) => ({
  step: 0,
  runs: [{ count: 1, stream: 'stdout', at: 1 }] as const,
  text: Buffer.from(`${text}\n`),
})

function collect() {
  const texts: string[] = []
  const packer = new ChunkPacker((chunk) => {
    for (const { text } of linesOf(chunk)) texts.push(text)
  })
  return { texts, packer }
}

test('gives large and small chunks out in the order in which they came', async () => {
  const { texts, packer } = collect()
  const sizes = [10, 300_000, 10, 100_000, 400_000, 40_000, 10]
  const wanted = sizes.map((size) => randomBytes(size).toString('hex'))
  for (const text of wanted) packer.add(line(text))
  await packer.flush()
  assert.deepEqual(texts, wanted)
})

test('a few lines are given out at once', () => {
  const { texts, packer } = collect()
  packer.add(line('one'))
  assert.deepEqual(texts, ['one'])
})

test('whoever writes much waits until something has been packed', async () => {
  const { texts, packer } = collect()
  for (let n = 0; n < 4; n++) {
    assert.equal(packer.room(), undefined)
    packer.add(line('x'.repeat(100_000)))
  }
  await packer.room()
  assert.equal(packer.room(), undefined)
  assert.ok(texts.length > 0)
})
