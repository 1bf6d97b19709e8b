import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NarwhalError } from '../errors.ts'
import { Grouping } from './grouping.ts'

/** Records the batches; rejects negative items, and everything on request. */
function writerOfNumbers(mostTogether?: number) {
  const written: number[][] = []
  const state: { trouble?: NarwhalError; gate?: Promise<void> } = {}
  const writer = new Grouping<number, string>(async (items) => {
    written.push([...items])
    await state.gate
    if (state.trouble) throw state.trouble
    const bad = items.find((item) => item < 0)
    if (bad !== undefined) throw new NarwhalError('conflict', `${bad} is negative`)
    return items.map((item) => `wrote ${item}`)
  }, mostTogether)
  return { writer, written, state }
}

test('batches concurrent items, in the order of arrival', async () => {
  const { writer, written } = writerOfNumbers()
  const results = await Promise.all([3, 1, 2].map((item) => writer.add(item)))
  assert.deepEqual(results, ['wrote 3', 'wrote 1', 'wrote 2'])
  assert.deepEqual(written, [[3, 1, 2]])
})

test('collects items while a batch is in flight, up to the maximum', async () => {
  const { writer, written, state } = writerOfNumbers(3)
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  const first = writer.add(0)
  while (written.length === 0) await new Promise(setImmediate)
  const others = [1, 2, 3, 4].map((item) => writer.add(item))
  gate.resolve()
  await Promise.all([first, ...others])
  assert.deepEqual(written, [[0], [1, 2, 3], [4]])
  assert.equal(await writer.add(5), 'wrote 5')
})

test('a bad item fails alone', async () => {
  const { writer } = writerOfNumbers()
  const items = [1, 2, -3, 4, 5, -6, 7]
  const ends = await Promise.allSettled(items.map((item) => writer.add(item)))
  assert.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? end.value : end.reason.message)),
    items.map((item) => (item < 0 ? `${item} is negative` : `wrote ${item}`)),
  )
})

test('does not split a batch when the store is unavailable', async () => {
  const { writer, written, state } = writerOfNumbers()
  state.trouble = new NarwhalError('unavailable', 'away')
  const ends = await Promise.allSettled([1, 2, 3].map((item) => writer.add(item)))
  assert.ok(ends.every(({ status }) => status === 'rejected'))
  assert.equal(written.length, 1)
})
