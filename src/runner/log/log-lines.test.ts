import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { eventually } from '../../../test/support/eventually.ts'
import { heldBytes } from '../../../test/support/held-memory.ts'
import { type ChunkLine, linesOf, packChunk } from '../../contract/log/log-chunk.ts'
import { LogLines } from './log-lines.ts'

function collect(silenceMs?: number) {
  const batches: (readonly ChunkLine[])[] = []
  const lines = new LogLines(0, (loose) => batches.push(linesOf(packChunk(loose))), silenceMs)
  const texts = () => batches.flat().map(({ text }) => text)
  return { batches, lines, texts }
}

test('makes lines of chunks that end anywhere', () => {
  const { lines, texts } = collect()
  const bytes = Buffer.from('one\ntwo – drei\r\n\nfünf 🐋\rsechs\r\nlast')
  for (const byte of bytes) lines.write('stdout', Uint8Array.of(byte))
  lines.end()
  assert.deepEqual(texts(), ['one', 'two – drei', '', 'fünf 🐋\rsechs', 'last'])
})

test('keeps the streams apart and their lines in order', () => {
  const { lines, batches } = collect()
  lines.write('stdout', Buffer.from('a\nb'))
  lines.write('stderr', Buffer.from('x\ny'))
  lines.write('stdout', Buffer.from('b\n'))
  lines.say('exit code 1')
  lines.end()
  assert.deepEqual(
    batches.flat().map(({ stream, text }) => `${stream} ${text}`),
    ['stdout a', 'stderr x', 'stdout bb', 'stderr y', 'narwhal exit code 1'],
  )
})

test('replaces what is no UTF-8, and NUL', () => {
  const { lines, texts } = collect()
  lines.write('stdout', Uint8Array.of(0xff, 0x00, 0x41, 0x0a, 0xc3))
  lines.end()
  assert.deepEqual(texts(), ['\ufffd\u2400A', '\ufffd'])
})

test('cuts long lines with a mark, never within a character', () => {
  for (const ending of ['\n', '']) {
    const { lines, texts } = collect()
    const long = `a${'🐋'.repeat(100_000)}`
    lines.write('stdout', Buffer.from(long + ending))
    lines.end()
    assert.ok(texts().length > 3)
    assert.ok(texts().every((text) => text.length <= 64 * 1024 + 2 && text.isWellFormed()))
    assert.ok(texts().join('').replaceAll(' …', '') === long)
  }
})

test('sends many lines in few batches, and the first at once', () => {
  const { lines, batches, texts } = collect()
  lines.write('stdout', Buffer.from('first\n'))
  assert.deepEqual(texts(), ['first'])
  for (let i = 0; i < 1000; i++) lines.write('stdout', Buffer.from(`line ${i}\n`.repeat(100)))
  lines.end()
  assert.equal(texts().length, 100_001)
  assert.ok(batches.length < 100, `${batches.length} batches`)
})

test('shows the beginning of a line when nothing follows', async () => {
  const { lines, texts } = collect()
  lines.write('stdout', Buffer.from('Password: '))
  assert.deepEqual(texts(), [])
  await eventually(() => texts().length === 1)
  lines.write('stdout', Buffer.from('none\n'))
  lines.end()
  assert.deepEqual(texts(), ['Password: ', 'none'])
})

/** The most that was in one batch, and what came in all. */
function measure() {
  const seen = { lines: 0, characters: 0, mostLines: 0, mostCharacters: 0, longest: 0, cut: 0 }
  const lines = new LogLines(0, (loose) => {
    const batch = linesOf(packChunk(loose))
    let characters = 0
    for (const { text } of batch) {
      characters += text.length
      seen.longest = Math.max(seen.longest, text.length)
      if (text.endsWith(' …')) seen.cut++
    }
    seen.lines += batch.length
    seen.characters += characters
    seen.mostLines = Math.max(seen.mostLines, batch.length)
    seen.mostCharacters = Math.max(seen.mostCharacters, characters)
  })
  return { lines, seen }
}

const KiB = 1024
const LONGEST = 64 * KiB

test('a line of 50 MB is cut into pieces that say that it goes on, and takes little memory', () => {
  const { lines, seen } = measure()
  const before = heldBytes()
  const chunk = Buffer.alloc(64 * KiB, 'x')
  for (let n = 0; n < 800; n++) lines.write('stdout', chunk)
  // Before the end, which frees whatever was kept till then.
  assert.ok(heldBytes() - before < 10 * KiB * KiB)
  lines.write('stdout', Buffer.from('\n'))
  lines.end()
  assert.equal(seen.lines, 800)
  assert.equal(seen.cut, 799)
  assert.equal(seen.longest, LONGEST + 2)
  assert.ok(seen.mostCharacters <= 1024 * KiB)
})

test('ten million empty lines come in batches of a bounded number', () => {
  const seen = { lines: 0, mostLines: 0 }
  const lines = new LogLines(0, ({ runs }) => {
    const lineCount = runs.reduce((sum, { count }) => sum + count, 0)
    seen.lines += lineCount
    seen.mostLines = Math.max(seen.mostLines, lineCount)
  })
  const before = heldBytes()
  const chunk = Buffer.alloc(50_000, '\n')
  for (let n = 0; n < 200; n++) lines.write('stdout', chunk)
  assert.ok(heldBytes() - before < 10 * KiB * KiB)
  lines.end()
  assert.equal(seen.lines, 10_000_000)
  assert.ok(seen.mostLines <= 10_000, `${seen.mostLines} lines in a batch`)
})

test('a long line that comes byte by byte costs no more than one that comes at once', () => {
  const { lines, seen } = measure()
  const byte = Buffer.from('x')
  for (let n = 0; n < 2 * KiB * KiB; n++) lines.write('stdout', byte)
  lines.end()
  assert.equal(seen.characters, 2 * KiB * KiB + 2 * seen.cut)
  assert.ok(seen.longest <= LONGEST + 2)
})

test('bytes without any meaning come out as lines within the same bounds', () => {
  const { lines, seen } = measure()
  const chunk = randomBytes(64 * KiB)
  for (let n = 0; n < 200; n++) lines.write(n % 2 === 0 ? 'stdout' : 'stderr', chunk)
  lines.end()
  assert.ok(seen.longest <= LONGEST + 2)
  assert.ok(seen.mostCharacters <= 1024 * KiB)
})

const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('\n\n\r\0aé🐋')),
  fc.integer({ min: 0, max: 255 }),
)

test('the same bytes are the same lines, in whatever pieces they come', () => {
  const places = fc.array(fc.nat(400), { maxLength: 20 })
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 400 }), places, (bytes, cuts) => {
      const all = Buffer.from(bytes)
      const { lines, texts } = collect()
      let start = 0
      for (const end of [...cuts.toSorted((a, b) => a - b), all.length]) {
        lines.write('stdout', all.subarray(start, Math.max(start, end)))
        start = Math.max(start, end)
      }
      lines.end()
      const text = all.toString().replaceAll('\0', '\u2400')
      const expected = text.split('\n').map((line) => line.replace(/\r$/, ''))
      // Behind the last line end there is no line; and there a lone `\r` ends none.
      const last = text.slice(text.lastIndexOf('\n') + 1)
      expected.pop()
      assert.deepEqual(texts(), last === '' ? expected : [...expected, lastLine(last)])
    }),
    { numRuns: 300 },
  )
})

/** The text is ended as a line for its reader, so a `\r` before that end is part of it. */
const lastLine = (text: string): string => text.replace(/\r$/, '')

test('a line is not cut while whoever writes it is kept waiting', async () => {
  const silenceMs = 10
  const { lines, texts } = collect(silenceMs)
  lines.write('stdout', Buffer.from('one'))
  lines.hold(true)
  // The timer of the silence comes first: a timer that was set later, for longer.
  await sleep(5 * silenceMs)
  assert.deepEqual(texts(), [])
  lines.hold(false)
  lines.write('stdout', Buffer.from(' line\nand'))
  assert.deepEqual(texts(), ['one line'])
  await eventually(() => assert.deepEqual(texts(), ['one line', 'and']))
  lines.end()
})
