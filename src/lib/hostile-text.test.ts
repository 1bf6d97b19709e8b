import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstLine, withHiddenShown } from './hostile-text.ts'

const CASES: readonly [text: string, expected: string][] = [
  ['Dive', 'Dive'],
  ['Dive\n\nDeeper', 'Dive'],
  ['\r\n  \n Dive \r\nDeeper', 'Dive'],
  ['Dive\u2028Deeper', 'Dive'],
  ['', ''],
  ['\n\n', ''],
  ['a\0b\x1b[31mc\x7f\x85d', 'ab[31mcd'],
  ['a\tb', 'a b'],
  ['safe \u202egnp.exe', 'safe gnp.exe'],
  ['Gr\u00fc\u00dfe \u{1f433}', 'Gr\u00fc\u00dfe \u{1f433}'],
  ['a\ud800b', 'a\ufffdb'],
  ['a\u200bd\u{e0061}a', 'ada'],
  ['\u{1f469}\u200d\u{1f680}', '\u{1f469}\u200d\u{1f680}'],
]

for (const [text, expected] of CASES) {
  test(`makes ${JSON.stringify(expected)} of ${JSON.stringify(text)}`, () => {
    assert.equal(firstLine(text, 500), expected)
  })
}

test('truncates long text, never within a character', () => {
  assert.equal(firstLine('x'.repeat(50_000_000), 500).length, 500)
  assert.equal(firstLine(`${'x'.repeat(499)}\u{1f433}`, 500), 'x'.repeat(499))
})

test('escapes invisible characters', () => {
  assert.equal(
    withHiddenShown('ci/\u202elmy.a\n\u{e0061}'),
    String.raw`ci/\u{202e}lmy.a\u{a}\u{e0061}`,
  )
  assert.equal(withHiddenShown('src/\u00fc.ts'), 'src/\u00fc.ts')
})
