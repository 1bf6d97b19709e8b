import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesGlob, matchesGlobs } from './glob.ts'

test('stars stay within a folder, double stars do not, and a folder of them may be none', () => {
  const table: [string, string, boolean][] = [
    ['main', 'main', true],
    ['main', 'mai', false],
    ['release/1', 'release/*', true],
    ['release/1/x', 'release/*', false],
    ['release/1/x', 'release/**', true],
    ['a.md', '**/*.md', true],
    ['x/y/a.md', '**/*.md', true],
    ['x/y/a.txt', '**/*.md', false],
    ['src/a/b/c.ts', 'src/**/c.ts', true],
    ['src/c.ts', 'src/**/c.ts', true],
    ['srcc.ts', 'src/**/c.ts', false],
    ['xc.ts', '**/c.ts', false],
    ['v1', 'v?', true],
    ['v/', 'v?', false],
    ['', '*', true],
    ['a.b', 'a?b', true],
    ['a[b]', 'a[b]', true],
    ['🐋', '?', true],
  ]
  for (const [text, pattern, expected] of table) {
    assert.equal(matchesGlob(text, pattern), expected, `${text} ${pattern}`)
  }
})

test('patterns that begin with ! take away, in any place of the list', () => {
  assert.equal(matchesGlobs('docs/a.md', ['**', '!docs/**']), false)
  assert.equal(matchesGlobs('src/a.ts', ['!docs/**']), true)
  assert.equal(matchesGlobs('src/a.ts', ['lib/**', '!docs/**']), false)
})

/** The same by a regular expression, which may take for ever and is only good for small texts. */
function slowly(text: string, pattern: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/(^|\/)(?:\*{2,}\/)+/g, '$1\u0001')
    .replaceAll(/\*{2,}/g, '\u0002')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('\u0001', '(?:.*/)?')
    .replaceAll('\u0002', '.*')
  return new RegExp(`^${source}$`, 's').test(text)
}

test('matches as a regular expression does', () => {
  const letters = fc.constantFrom('a', 'b', '/', '.')
  const signs = fc.constantFrom('a', 'b', '/', '*', '**', '**/', '?')
  const text = fc.array(letters, { maxLength: 8 }).map((all) => all.join(''))
  const pattern = fc.array(signs, { maxLength: 6 }).map((all) => all.join(''))
  fc.assert(
    fc.property(text, pattern, (one, by) => matchesGlob(one, by) === slowly(one, by)),
    { numRuns: 40_000 },
  )
})

test('takes no time to speak of for patterns that make others hang', () => {
  const text = 'a'.repeat(1_000)
  assert.equal(matchesGlob(text, `${'*a'.repeat(200)}b`), false)
  assert.equal(matchesGlob(`${'a/'.repeat(500)}x`, `${'**/a/'.repeat(80)}b`), false)
})
