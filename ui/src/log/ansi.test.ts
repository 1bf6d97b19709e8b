import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnsiStyle, parseAnsi } from './ansi.ts'

const textOf = (line: string) =>
  parseAnsi(line)
    .spans.map(({ text }) => text)
    .join('')

test('makes spans of colours and weights', () => {
  const { spans, style } = parseAnsi('a\x1b[1;31mb\x1b[39mc\x1b[0md')
  assert.deepEqual(spans, [
    { text: 'a', className: '' },
    { text: 'b', className: 'a-bold a-fg-1' },
    { text: 'c', className: 'a-bold' },
    { text: 'd', className: '' },
  ])
  assert.deepEqual(style, {})
})

test('carries the look over the end of a line', () => {
  const first = parseAnsi('\x1b[32mgreen')
  const expected: AnsiStyle = { color: 2 }
  assert.deepEqual(first.style, expected)
  assert.equal(parseAnsi('still', first.style).spans[0]?.className, 'a-fg-2')
})

test('takes the nearest of sixteen colours for 256 and true colour', () => {
  const classOf = (line: string) => parseAnsi(line).spans[0]?.className
  assert.equal(classOf('\x1b[38;5;9mx'), 'a-fg-9')
  assert.equal(classOf('\x1b[38;5;196mx'), 'a-fg-9')
  assert.equal(classOf('\x1b[38;2;0;120;0mx'), 'a-fg-2')
  assert.equal(classOf('\x1b[48;5;244mx'), 'a-bg-8')
})

test('leaves markup as text', () => {
  assert.equal(textOf('<script>alert(1)</script>'), '<script>alert(1)</script>')
})

test('keeps the text of a link and drops where it leads', () => {
  assert.equal(textOf('\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07!'), 'click!')
  assert.equal(textOf('\x1b]8;;https://evil.test\x1b\\click\x1b]8;;\x1b\\!'), 'click!')
  assert.equal(textOf('\x1b]0;a title that never ends'), '')
})

test('drops moves of the cursor and device strings', () => {
  assert.equal(
    textOf('\x1b[2J\x1b[1;1Hhere\x1b[K\x1b7\x1bPq#0\x1b\\ \x1b(B\x1b[?25lend'),
    'here end',
  )
})

test('shows control characters and what turns text around as marks', () => {
  assert.equal(textOf('a\0b\x08c\x7f\td'), 'a␀b␈c␡\td')
  assert.equal(textOf('\u202eevil\u2066'), '�evil�')
})

test('shows what a progress bar wrote last', () => {
  assert.equal(textOf('10%\r50%\r100%\r'), '100%')
})

test('is bounded for a line that is made to be slow', () => {
  const { spans } = parseAnsi('\x1b[31mx\x1b[32my'.repeat(50_000))
  assert.ok(spans.length < 310)
  assert.match(spans.at(-1)?.text ?? '', /raw log/)
  assert.equal(textOf('\x1b['.repeat(4_000)), '')
})
