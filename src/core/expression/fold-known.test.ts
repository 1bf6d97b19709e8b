import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, type Value } from './evaluate.ts'
import { foldKnown, truthOf } from './fold-known.ts'
import { readExpression } from './read-expression.ts'
import { type Expression, namesIn } from './syntax.ts'

function read(text: string): Expression {
  const { ok, ...read } = readExpression(text)
  assert.ok(ok && 'expression' in read)
  return read.expression
}

const isLater = (name: string): boolean => name.startsWith('needs.')

function foldedIn(known: Readonly<Record<string, Value>>, text: string): Expression {
  const scope = { valueOf: (name: string) => known[name] ?? null, hasChanged: () => false }
  return foldKnown(read(text), scope, isLater)
}

test('what is known decides at once where it can', () => {
  const known = { event: 'push', branch: 'main' }
  const truth = (text: string): boolean | undefined => truthOf(foldedIn(known, text))
  assert.equal(truth('event == "push"'), true)
  assert.equal(truth('event == "tag" && needs.a.outputs.b == "1"'), false)
  assert.equal(truth('needs.a.outputs.b == "1" || branch == "main"'), true)
  assert.equal(truth('event == "push" && needs.a.outputs.b == "1"'), undefined)
  assert.equal(truth('!needs.a.outputs.b'), undefined)
  // What is left speaks of nothing else.
  const left = foldedIn(
    known,
    'contains([branch, "x"], needs.a.outputs.b) && changed("x") == false',
  )
  assert.deepEqual(
    namesIn(left).map(({ name }) => name),
    ['needs.a.outputs.b'],
  )
})

test('any expression has the same value in two steps as in one', () => {
  const value = fc.constantFrom<Value>('', 'a', 'ab', '1', 0, 1, true, false, null, ['a'], {
    number: 1,
    text: '1.0',
  })
  const leaf = fc.oneof(
    fc
      .constantFrom('a', 'b', 'needs.x', 'needs.y')
      .map((name) => ({ kind: 'name' as const, name, at: 0 })),
    fc.constantFrom('', 'a', 1, true, null).map((one) => ({ kind: 'value' as const, value: one })),
    fc
      .constantFrom('0', '1', '1.0')
      .map((text) => ({ kind: 'value' as const, value: Number(text), text })),
  )
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      leaf,
      fc.record({ kind: fc.constant('not' as const), of: tie('tree') }),
      fc.record({
        kind: fc.constant('binary' as const),
        operator: fc.constantFrom('||', '&&', '==', '!=', '<', '>=', 'in'),
        left: tie('tree'),
        right: tie('tree'),
      }),
      fc.record({
        kind: fc.constant('list' as const),
        items: fc.array(tie('tree'), { maxLength: 2 }),
      }),
      fc.record({
        kind: fc.constant('call' as const),
        name: fc.constantFrom('contains', 'starts_with', 'matches'),
        args: fc.tuple(tie('tree'), tie('tree')),
      }),
    ) as fc.Arbitrary<Expression>,
  }))
  const property = fc.property(
    tree,
    fc.tuple(value, value, value, value),
    (expression, [a, b, x, y]) => {
      const values: Record<string, Value> = { a, b, 'needs.x': x, 'needs.y': y }
      const scope = { valueOf: (name: string) => values[name] ?? null, hasChanged: () => true }
      const early = {
        ...scope,
        valueOf: (name: string) => (isLater(name) ? null : scope.valueOf(name)),
      }
      const left = foldKnown(expression, early, isLater)
      assert.deepEqual(evaluate(left, scope), evaluate(expression, scope))
      assert.ok(namesIn(left).every(({ name }) => isLater(name)))
    },
  )
  fc.assert(property, { numRuns: 2_000 })
})
