import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PushStream } from './push-stream.ts'

async function collect<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}

test('yields items pushed before and after reading started, in order', async () => {
  const stream = new PushStream<number>()
  stream.push(1)
  const reading = collect(stream)
  stream.push(2)
  await Promise.resolve()
  stream.push(3)
  stream.end()
  assert.deepEqual(await reading, [1, 2, 3])
})

test('ends for a waiting reader, and ignores later items', async () => {
  const stream = new PushStream<number>()
  const reading = collect(stream)
  stream.end()
  stream.push(1)
  assert.deepEqual(await reading, [])
})
