import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchWriter } from './batch-writer.ts'

test('a lone item is written at once and what comes meanwhile goes together', async () => {
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

test('whoever adds waits while too much has gathered', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const writer = new BatchWriter<number>(() => gate, 2)
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

test('a failed write is told to every later caller and is no unhandled rejection', async () => {
  const writer = new BatchWriter<number>(() => Promise.reject(new Error('disk full')))
  await writer.add(1)
  await assert.rejects(writer.flush(), /disk full/)
  await assert.rejects(writer.add(2), /disk full/)
})
