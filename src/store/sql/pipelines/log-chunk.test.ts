import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkOf, linesOf } from '../../../contract/log/log-chunk.ts'
import { decodeRow, encodeChunk } from './log-chunk.ts'

test('gives back every chunk as it was', () => {
  for (const text of ['', 'short', 'long '.repeat(500)]) {
    const lines = [{ at: 1_700_000_000_000, stream: 'stderr', text }] as const
    for (const clockOffsetMs of [0, 17, -86_400_000]) {
      const chunk = { ...chunkOf(300, lines), clockOffsetMs }
      const [found, ...others] = decodeRow({ firstLine: 5, lineCount: 1, data: encodeChunk(chunk) })
      assert.deepEqual(others, [])
      assert.deepEqual(found, { ...chunk, firstLine: 5, content: Buffer.from(chunk.content) })
    }
  }
})

test('reads the lines that former versions stored, whatever steps they were of', () => {
  const stored = [
    [0, 7, 'stdout', 'NUL \0 "\u2028'],
    [0, 8, 'stderr', ''],
    [2, 9, 'narwhal', 'x'.repeat(2000)],
  ] as const
  const data = Buffer.from(JSON.stringify(stored))
  const chunks = decodeRow({ firstLine: 40, lineCount: 3, data })
  assert.deepEqual(
    chunks.flatMap((chunk) => linesOf(chunk).map((line) => ({ step: chunk.step, ...line }))),
    stored.map(([step, at, stream, text]) => ({ step, at, stream, text })),
  )
  assert.deepEqual(
    chunks.map(({ firstLine, lineCount }) => [firstLine, lineCount]),
    [
      [40, 2],
      [42, 1],
    ],
  )
})
