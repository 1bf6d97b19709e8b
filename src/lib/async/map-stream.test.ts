import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapStream } from './map-stream.ts'

/** Counts to three, and records how it was ended. */
function counting(translate = (number: number) => `n${number}`) {
  const ends: string[] = []
  async function* numbers(): AsyncGenerator<number, void, undefined> {
    try {
      for (const number of [1, 2, 3]) yield number
      ends.push('done')
    } catch (error) {
      ends.push(String(error))
      throw error
    } finally {
      ends.push('closed')
    }
  }
  return { ends, stream: mapStream(numbers(), translate) }
}

async function allOf(stream: AsyncIterable<string>): Promise<string[]> {
  const words: string[] = []
  for await (const word of stream) words.push(word)
  return words
}

test('maps all items of a stream, and ends with it', async () => {
  const { ends, stream } = counting()
  assert.deepEqual(await allOf(stream), ['n1', 'n2', 'n3'])
  assert.deepEqual(ends, ['done', 'closed'])
})

test('returning early closes the stream itself', async () => {
  const { ends, stream } = counting()
  for await (const word of stream) if (word === 'n2') break
  assert.deepEqual(ends, ['closed'])
})

test('an error thrown into it reaches the stream, and is rethrown', async () => {
  const { ends, stream } = counting()
  const words = stream[Symbol.asyncIterator]()
  await words.next()
  const reason = new Error('away')
  await assert.rejects(async () => await words.throw?.(reason), reason)
  assert.deepEqual(ends, ['Error: away', 'closed'])
})

test('a failed mapping rejects, and closes the stream itself', async () => {
  const wrong = new Error('no such word')
  const { ends, stream } = counting((number) => {
    if (number === 2) throw wrong
    return `n${number}`
  })
  await assert.rejects(allOf(stream), wrong)
  assert.deepEqual(ends, ['closed'])
})
