import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, isTrue, type Scope, type Value } from './evaluate.ts'
import { readExpression } from './read-expression.ts'
import { FUNCTIONS, LEVELS } from './syntax.ts'

const VALUES: Readonly<Record<string, Value>> = { branch: 'rel/1', event: 'push', 'inputs.n': 3 }
const scope: Scope = {
  valueOf: (name) => (Object.hasOwn(VALUES, name) ? VALUES[name] : null) ?? null,
  hasChanged: (pattern) => pattern === 'src/**',
}

function valueOf(text: string): Value {
  const read = readExpression(text)
  assert.ok(read.ok, `${text}: ${JSON.stringify(read)}`)
  return evaluate(read.expression, scope)
}

test('binds as one expects, and knows its kinds of values', () => {
  const table: [string, Value][] = [
    ['event == "push" && branch != \'main\'', true],
    ['false && false || true', true],
    ['true || false && false', true],
    ['!(event == "tag")', true],
    ['!!inputs.n', true],
    ['1 < 2 == true', true],
    ['"1" == 1', true],
    ['"1.0" == 1', false],
    ['1.0 == 1', false],
    ['inputs.n == 3.0', true],
    ['"3" == inputs.n', false],
    ['"1" < 2', true],
    ['"a" < 2', false],
    ['contains(["3.10"], 3.10) && !contains(["3.10"], 3.1)', true],
    ['starts_with("3.10", 3)', true],
    ['!0 && !0.0', true],
    ['"a" < "b"', true],
    ['event in ["push", "tag"]', true],
    ['[1, [2]] == [1, [2]]', true],
    ['nothing == null', true],
    ['contains(branch, "/") && starts_with(branch, "rel") && ends_with(branch, "1")', true],
    ['contains(["a"], "a")', true],
    ['contains(null, "a")', false],
    ['matches(branch, "rel/*")', true],
    ['changed("src/**")', true],
    ['changed("docs/**")', false],
    ['lower("ABC") == "abc"', true],
    ['inputs.n >= 3.0', true],
  ]
  for (const [text, expected] of table) assert.equal(valueOf(text), expected, text)
  assert.deepEqual(['', 0, false, null, []].map(isTrue), [false, false, false, false, false])
})

test('tells what is wrong, and where', () => {
  const table: [string, string, number][] = [
    ['', 'needs a value before the end', 0],
    ['a ==', 'needs a value before the end', 4],
    ['a b', 'has an unexpected b', 2],
    ['(a', 'needs ) before the end', 2],
    ['"a', 'has an unterminated string', 0],
    ['a & b', "can't contain &", 2],
    ['launch("x")', 'calls launch, which is not a function: use one of', 0],
    ['lower()', 'calls lower with 0 arguments: it takes one argument', 0],
    ['toString()', 'calls toString, which is not a function: use one of', 0],
    [`${'('.repeat(60)}a`, 'is nested deeper than 50 levels', 50],
    [`${'!'.repeat(60)}a`, 'is nested deeper than 50 levels', 50],
    ['a'.repeat(1_001), 'has more than 1000 characters', 0],
  ]
  for (const [text, message, at] of table) {
    const read = readExpression(text)
    assert.ok(!read.ok, text)
    assert.ok(read.message.startsWith(message), `${text}: ${read.message}`)
    assert.equal(read.at, at, text)
  }
})

const word = fc.oneof(
  fc.constantFrom(...LEVELS.flat(), ...Object.keys(FUNCTIONS), '(', ')', '[', ']', ',', '!'),
  fc.constantFrom('branch', 'inputs.n', 'true', 'null', '1', '2.5', '"x"', "'rel/*'", ' '),
)

test('is total: whatever is written is refused or has a value', () => {
  const texts = fc.oneof(
    fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')),
    fc.string({ maxLength: 40 }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const read = readExpression(text)
      if (!read.ok) return read.at >= 0 && read.at <= text.length
      const value = evaluate(read.expression, scope)
      return value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value)
    }),
    { numRuns: 40_000 },
  )
})

test('what is made of well-formed parts is read', () => {
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small', maxDepth: 5 },
      fc.constantFrom('branch', '1', '"x"', 'true', '[]'),
      fc
        .tuple(tie('expression'), fc.constantFrom(...LEVELS.flat()), tie('expression'))
        .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
      tie('expression').map((one) => `!${one}`),
      tie('expression').map((one) => `lower(${one})`),
    ),
  }))
  fc.assert(
    fc.property(expression, (text) => text.length > 1_000 || readExpression(text).ok),
    { numRuns: 10_000 },
  )
})
