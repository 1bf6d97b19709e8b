import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { BatchWriter } from './batch-writer.ts'

test('a lone item is written at once, and those added meanwhile as one batch', async () => {
  const batches: number[][] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const writer = new BatchWriter<number>(async (items) => {
    batches.push(items)
    if (batches.length === 1) await gate
  })
  await writer.add(1)
  await writer.add(2)
  await writer.add(3)
  assert.deepEqual(batches, [[1]])
  open()
  await writer.flush()
  assert.deepEqual(batches, [[1], [2, 3]])
})

test('add waits while the buffer is full', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const writer = new BatchWriter<number>(() => gate, { limit: 2 })
  await writer.add(1)
  await writer.add(2)
  let added = false
  const adding = writer.add(3).then(() => {
    added = true
  })
  await Promise.resolve()
  assert.equal(added, false)
  open()
  await adding
  assert.equal(added, true)
})

test('a failed write rejects every later call and is no unhandled rejection', async () => {
  const writer = new BatchWriter<number>(() => Promise.reject(new Error('disk full')))
  await writer.add(1)
  await assert.rejects(writer.flush(), /disk full/)
  await assert.rejects(writer.add(2), /disk full/)
})

test('delayed items are written with the next that is not, or when the delay is over', async () => {
  const batches: string[][] = []
  const delays: Record<string, number> = { soft: 3_600_000, soon: 1 }
  const writer = new BatchWriter<string>(
    async (items) => {
      batches.push(items)
    },
    { delayMsOf: (item) => delays[item] ?? 0, limit: 3 },
  )
  await writer.add('soft')
  await writer.add('soft')
  assert.deepEqual(batches, [])
  await writer.add('end')
  assert.deepEqual(batches, [['soft', 'soft', 'end']])
  await writer.add('soon')
  await eventually(() => batches.length === 2)
  await writer.flush()
  await writer.add('soft')
  await writer.flush()
  assert.deepEqual(batches.slice(1), [['soon'], ['soft']])
})

test('large items count by their bytes', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const writer = new BatchWriter<number>(() => gate, { bytesOf: (item) => item })
  await writer.add(1)
  await writer.add(2)
  let added = false
  const adding = writer.add(2 ** 21).then(() => {
    added = true
  })
  await Promise.resolve()
  assert.equal(added, false)
  open()
  await adding
})
