import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aLine } from '../../../test/support/cli/views.ts'
import { markSpans, plainText, showLines } from './shown-line.ts'

const marked = (texts: readonly string[], text: string) =>
  markSpans(
    texts.map((one) => ({ text: one, className: 'c' })),
    text,
  ).map((span) => (span.className === 'c a-mark' ? `[${span.text}]` : span.text))

test('marks every place of a text, in whichever case and over the end of a span', () => {
  assert.deepEqual(marked(['an Error, an ', 'error'], 'error'), [
    'an ',
    '[Error]',
    ', an ',
    '[error]',
  ])
  assert.deepEqual(marked(['a fai', 'led b'], 'failed'), ['a ', '[fai]', '[led]', ' b'])
  assert.deepEqual(marked(['aaaa'], 'aa'), ['[aa]', '[aa]'])
})

test('leaves spans as they are where there is nothing to mark', () => {
  assert.deepEqual(marked(['a', 'b'], ''), ['a', 'b'])
  assert.deepEqual(marked(['a', 'b'], 'c'), ['a', 'b'])
})

test("a colour lasts over lines of the job, and not into Narwhal's own", () => {
  const own = { ...aLine(1, 0, 'note'), stream: 'narwhal' as const }
  const { lines, style } = showLines(
    [aLine(0, 0, '\x1b[31mred'), own, aLine(2, 0, 'red still')],
    {},
  )
  assert.deepEqual(
    lines.map(({ spans }) => spans[0]?.className),
    ['a-fg-1', '', 'a-fg-1'],
  )
  assert.deepEqual(style, { color: 1 })
})

test('gives a text as it is read', () => {
  assert.equal(plainText(aLine(0, 0, '\x1b[1mbold\x1b[0m, 10%\r20%')), '20%')
  assert.equal(plainText(aLine(0, 0, '\x1b[1mbold\x1b[0m plain')), 'bold plain')
})
