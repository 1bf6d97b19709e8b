import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogLine } from '../../contract/views.ts'
import { decodeChunk, encodeLines } from './log-chunk.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\0', '\ud800', 'x'.repeat(200_000), 'x'.repeat(300_000)),
)

test('gives back what was encoded, in chunks that follow one another', () => {
  const number = fc.nat({ max: 1e6 })
  fc.assert(
    fc.property(number, fc.array(text, { maxLength: 20 }), (first, texts) => {
      const lines = texts.map((text, index): LogLine => {
        return { number: first + index, step: index, at: 7, stream: 'stderr', text }
      })
      const chunks = encodeLines(lines)
      assert.deepEqual(chunks.flatMap(decodeChunk), lines)
      for (const { data, lineCount } of chunks) {
        assert.ok(lineCount === 1 || data.length < 7 * 256 * 1024)
      }
    }),
    { numRuns: 50 },
  )
})

test('cuts many lines into chunks of a thousand', () => {
  const lines = Array.from({ length: 2500 }, (_, number): LogLine => {
    return { number, step: 0, at: 0, stream: 'stdout', text: '' }
  })
  assert.deepEqual(
    encodeLines(lines).map(({ firstLine, lineCount }) => [firstLine, lineCount]),
    [
      [0, 1000],
      [1000, 1000],
      [2000, 500],
    ],
  )
  assert.deepEqual(encodeLines([]), [])
})
