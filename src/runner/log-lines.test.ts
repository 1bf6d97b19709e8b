import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import type { SentLine } from '../contract/rpc.ts'
import { LogLines } from './log-lines.ts'

function collect() {
  const batches: (readonly SentLine[])[] = []
  const lines = new LogLines((batch) => batches.push(batch))
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
