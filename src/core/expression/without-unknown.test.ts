import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, isTrue, type Value } from './evaluate.ts'
import { readExpression } from './read-expression.ts'
import { type Expression, namesIn } from './syntax.ts'
import { withoutUnknown } from './without-unknown.ts'

const isUnknown = (name: string): boolean => name.startsWith('u')

function truthOf(expression: Expression, values: Readonly<Record<string, Value>>): boolean {
  const scope = { valueOf: (name: string) => values[name] ?? null, hasChanged: () => true }
  return isTrue(evaluate(expression, scope))
}

function surely(text: string): boolean {
  const read = readExpression(text)
  assert.ok(read.ok)
  return truthOf(withoutUnknown(read.expression, isUnknown), { k: true })
}

test('what is unknown makes nothing true, whichever way it is asked for', () => {
  for (const text of [
    'u',
    '!u',
    'u == null',
    'u != "x"',
    '!(u == 1)',
    'u || !u',
    'lower(u) == ""',
  ]) {
    assert.equal(surely(text), false, text)
  }
  for (const text of ['u || k', '!(u && !k)', 'k && !(u && false)', '!(!k && u) && k']) {
    assert.equal(surely(text), true, text)
  }
})

test('what holds without the unknown holds whatever its value is', () => {
  const leaf = fc.oneof(
    fc.constantFrom('u1', 'u2', 'k1', 'k2').map((name) => ({ kind: 'name' as const, name, at: 0 })),
    fc.constantFrom(true, false).map((value) => ({ kind: 'value' as const, value })),
  )
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      leaf,
      fc.record({ kind: fc.constant('not' as const), of: tie('tree') }),
      fc.record({
        kind: fc.constant('binary' as const),
        operator: fc.constantFrom('||', '&&', '==', '!=', 'in'),
        left: tie('tree'),
        right: tie('tree'),
      }),
    ) as fc.Arbitrary<Expression>,
  }))
  const values = fc.record({
    u1: fc.boolean(),
    u2: fc.constantFrom('', 'x'),
    k1: fc.boolean(),
    k2: fc.boolean(),
  })
  let held = 0
  fc.assert(
    fc.property(tree, values, (expression, all) => {
      const sure = withoutUnknown(expression, isUnknown)
      assert.ok(!namesIn(sure).some(({ name }) => isUnknown(name)))
      if (!truthOf(sure, all)) return
      if (namesIn(expression).some(({ name }) => isUnknown(name))) held++
      assert.ok(truthOf(expression, all))
    }),
    { numRuns: 5_000 },
  )
  assert.ok(held > 50, `${held} expressions with unknown names held`)
})
