import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanJson, cleanLogText, cleanText } from './clean-text.ts'

/* oxlint-disable no-control-regex -- control characters are the subject */
const CONTROLS = /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/u

test('makes control characters and bidirectional overrides in a title visible', () => {
  assert.equal(cleanText('a\x1b[31mred\x07'), 'a\\x1b[31mred\\x07')
  assert.equal(cleanText('admin\u202eevil'), 'admin\\u202eevil')
  assert.equal(cleanText('a\u200bb\u009b2J'), 'a\\u200bb\\x9b2J')
  assert.equal(cleanText('two\nlines\tand a tab'), 'two lines and a tab')
  assert.equal(cleanText('tag\u{e0041}'), 'tag\\u{e0041}')
})

test('leaves honest text as it is', () => {
  for (const text of ['Grüße', '漢字', 'family 👨‍👩‍👧', 'עברית', 'a/b-c_d#1']) {
    assert.equal(cleanText(text), text)
    assert.equal(cleanLogText(text, true), text)
  }
})

test('keeps colours in a log for a terminal, and ends them with the line', () => {
  assert.equal(cleanLogText('\x1b[1;31mred', true), '\x1b[1;31mred\x1b[0m')
  assert.equal(cleanLogText('\x9b32mgreen', true), '\x1b[32mgreen\x1b[0m')
  assert.equal(cleanLogText('\x1b[1;31mred\x1b[0m', false), 'red')
})

const SEQUENCES: [string, string][] = [
  ['cursor movement', 'a\x1b[2Ab\x1b[10;10Hc'],
  ['clearing', 'a\x1b[2Jb\x1bcc'],
  ['a title', '\x1b]0;title\x07abc'],
  ['a link', 'a\x1b]8;;javascript:alert(1)\x1b\\b\x1b]8;;\x1b\\c'],
  ['the clipboard', 'ab\x1b]52;c;aGk=\x1b\\c'],
  ['8-bit strings', 'a\x9d0;title\x9cb\x90qc\x9cc'],
  ['private modes', '\x1b[?1049habc'],
  ['a private SGR look-alike', 'abc\x1b[>4;2m'],
  ['a cut-off sequence', 'abc\x1b['],
  ['a cut-off string', 'abc\x1b]52;c;aGk'],
  ['a character set', 'a\x1b(0bc'],
  ['bells and backspaces', 'a\x07b\bc'],
]
for (const [name, text] of SEQUENCES) {
  test(`takes ${name} out of a log`, () => {
    assert.equal(cleanLogText(text, true), 'abc')
    assert.equal(cleanLogText(text, false), 'abc')
  })
}

test('lets no carriage return hide what stands before it', () => {
  assert.equal(cleanLogText('FAILED\rPASSED\r', false), 'FAILED PASSED')
})

test('shows overrides in a log instead of obeying them, and keeps tabs', () => {
  assert.equal(cleanLogText('a\t\u202eb', true), 'a\t\\u202eb')
})

const PIECES = '\x1b\x9b\x9d\x9c\x90[]0;:?m(HJ\r\n\b\x07\t\u202e ab\\X^_P'.split('')

test('lets nothing but colours through, whatever the text is', () => {
  const nasty = fc.string({
    unit: fc.constantFrom(...PIECES),
  })
  fc.assert(
    fc.property(nasty, (text) => {
      const coloured = cleanLogText(text, true).replaceAll(/\x1b\[[0-9;:]*m/g, '')
      assert.doesNotMatch(coloured, CONTROLS)
      assert.doesNotMatch(cleanLogText(text, false), CONTROLS)
      assert.doesNotMatch(cleanText(text), CONTROLS)
    }),
    { numRuns: 2000 },
  )
})

test('prints JSON that is harmless and means the same', () => {
  const value = { title: 'a\x1b[31m\u009b2J\u202e\u2028' }
  assert.doesNotMatch(cleanJson(value).replaceAll('\n', ''), CONTROLS)
  assert.deepEqual(JSON.parse(cleanJson(value)), value)
})
