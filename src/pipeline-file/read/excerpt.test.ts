import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limits } from '../limits.ts'
import { faultsToProblems } from './excerpt.ts'

function show(text: string, offset: number) {
  const [problem] = faultsToProblems(text, [{ offset, message: 'x' }])
  assert.ok(problem)
  return problem
}

test('shows the line with a caret under the place', () => {
  assert.deepEqual(show('one\ntwo three\nfour', 8), {
    message: 'x',
    line: 2,
    column: 5,
    excerpt: 'two three\n    ^',
  })
  assert.deepEqual(show('one', 3), { message: 'x', line: 1, column: 4, excerpt: 'one\n   ^' })
  assert.deepEqual(show('one\n\n', 4), { message: 'x', line: 2, column: 1, excerpt: '' })
})

test('keeps the caret in place behind tabs, and line ends of Windows out', () => {
  assert.equal(show('\ta:\tb\r\nc', 4).excerpt, ' a: b\n    ^')
})

test('shows nothing that a terminal could obey', () => {
  const problem = show('a: \u001b[31m\u202e\u2028x', 0)
  assert.equal(problem.excerpt, 'a: \ufffd[31m\ufffd\ufffdx\n^')
  const [told] = faultsToProblems('', [
    { offset: 0, message: `\u001b]0;x\u0007${'y'.repeat(9999)}` },
  ])
  assert.match(told?.message ?? '', /^\ufffd\]0;x\ufffdy{490,}…$/)
})

test('cuts a long line around the place', () => {
  const line = `${'a'.repeat(200)}X${'b'.repeat(200)}`
  const [shown, caret] = show(line, 200).excerpt.split('\n')
  assert.equal(shown, `…${'a'.repeat(60)}X${'b'.repeat(59)}…`)
  assert.equal(shown?.[caret?.indexOf('^') ?? -1], 'X')
  assert.equal(show(line, 0).excerpt, `${line.slice(0, 120)}…\n^`)
  assert.equal(show(line, 400).excerpt, `…${line.slice(-120)}\n${' '.repeat(120)}^`)
})

test('sorts by place, tells nothing twice, and stops at some point', () => {
  const told = faultsToProblems('a\nb', [
    { offset: 2, message: 'second' },
    { offset: 0, message: 'first' },
    { offset: 2, message: 'second' },
  ])
  assert.deepEqual(
    told.map(({ message, line }) => [message, line]),
    [
      ['first', 1],
      ['second', 2],
    ],
  )
  const text = '\n'.repeat(200)
  const many = Array.from({ length: 200 }, (_, offset) => ({ offset, message: 'x' }))
  const problems = faultsToProblems(text, many)
  assert.equal(problems.length, limits.problems + 1)
  assert.deepEqual(problems.at(-1), { message: 'and 150 more', line: 51, column: 1, excerpt: '' })
})

test('the caret always stands under the character at the place', () => {
  const texts = fc.string({
    unit: fc.constantFrom('a', '\t', '\n', '\r\n', 'é', ' '),
    maxLength: 400,
  })
  fc.assert(
    fc.property(texts, fc.nat(400), (text, at) => {
      const offset = Math.min(at, text.length)
      const { line, column, excerpt } = show(text, offset)
      const start =
        text
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length + (line > 1 ? 1 : 0)
      assert.equal(start + column - 1, offset)
      if (excerpt === '') return
      const [shown = '', caret = ''] = excerpt.split('\n')
      assert.ok(shown.length <= 122)
      const under = shown[caret.length - 1]
      const meant = text[offset]
      if (under !== undefined && meant !== '\n' && meant !== '\r') {
        assert.equal(under, meant === '\t' ? ' ' : meant)
      }
    }),
  )
})
