import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import { type ChunkLine, chunkOf, linesOf, openChunkAsync } from './log-chunk.ts'

const text = fc
  .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'x'.repeat(70_000), '\r', '\u2028'))
  .map((one) => one.replaceAll('\n', ' '))
const line: fc.Arbitrary<ChunkLine> = fc.record(
  {
    at: fc.integer({ min: 0, max: 2 ** 45 }),
    stream: fc.constantFrom('stdout' as const, 'stderr' as const, 'narwhal' as const),
    text,
  },
  { noNullPrototype: true },
)

test('gives back the lines that were packed, all or a part of them, on the right clock', () => {
  fc.assert(
    fc.property(fc.array(line), fc.nat(30), fc.nat(30), fc.integer(), (lines, from, to, offset) => {
      const chunk = chunkOf(3, lines)
      assert.equal(chunk.lineCount, lines.length)
      assert.deepEqual(linesOf(chunk), lines)
      assert.deepEqual(
        linesOf(chunk, from, Math.max(from, to)),
        lines.slice(from, Math.max(from, to)),
      )
      const shifted = linesOf({ ...chunk, clockOffsetMs: offset })
      assert.deepEqual(
        shifted,
        lines.map(({ at, ...rest }) => ({ at: at + offset, ...rest })),
      )
    }),
    { numRuns: 100 },
  )
})

test('many lines take a fraction of their bytes, and one takes hardly more than its own', () => {
  const at = 1_700_000_000_000
  const many = Array.from({ length: 1000 }, (_, n): ChunkLine => {
    return { at, stream: 'stdout', text: `[12:00:00] compiled src/module-${n}.ts in ${n % 7} ms` }
  })
  const chunk = chunkOf(0, many)
  assert.equal(chunk.packing, 'zstd')
  assert.ok(chunk.content.length < chunk.size / 4)
  const one = chunkOf(0, [{ at, stream: 'stdout', text: 'hello' }])
  assert.deepEqual([one.packing, one.content.length], ['plain', 6 + 9])
})

test('says of each line that it is damaged where the bytes are not what they should be', async () => {
  const lines = Array.from({ length: 100 }, (_, at): ChunkLine => {
    return { at, stream: 'stdout', text: `line ${at}` }
  })
  const good = chunkOf(0, lines)
  const bomb = {
    ...chunkOf(0, [{ at: 0, stream: 'stdout', text: 'x'.repeat(2 ** 20) }]),
    size: 100,
  }
  const wrong: LogChunk[] = [
    { ...good, content: Buffer.from('nonsense') },
    { ...good, content: good.content.subarray(0, 20) },
    { ...good, packing: 'plain' },
    { ...good, lineCount: 200 },
    { ...good, lineCount: 200, size: good.size + 1 },
    bomb,
  ]
  for (const chunk of wrong) {
    const found = linesOf(chunk)
    assert.equal(found.length, chunk.lineCount)
    assert.match(found.at(-1)?.text ?? '', /is damaged/)
    assert.ok(
      (await openChunkAsync(chunk)).text.length <= Math.max(100 * chunk.lineCount, chunk.size),
    )
  }
})
