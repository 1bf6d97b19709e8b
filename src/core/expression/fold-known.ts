import { evaluate, isList, isTrue, isWritten, type Scope, type Value } from './evaluate.ts'
import { type Expression, namesIn } from './syntax.ts'

/**
 * Partial evaluation: names for which `isLater` holds stay, everything that doesn't depend on them becomes a
 * value. The result evaluates to the same value as the whole later.
 */
export function foldKnown(
  expression: Expression,
  scope: Scope,
  isLater: (name: string) => boolean,
): Expression {
  const fold = (one: Expression): Expression => foldKnown(one, scope, isLater)
  if (!namesIn(expression).some(({ name }) => isLater(name))) {
    return literal(evaluate(expression, scope))
  }
  switch (expression.kind) {
    case 'value':
    case 'name':
      return expression
    case 'list':
      return { ...expression, items: expression.items.map(fold) }
    case 'call':
      return { ...expression, args: expression.args.map(fold) }
    case 'not':
      return { ...expression, of: fold(expression.of) }
    case 'binary': {
      const { operator } = expression
      const [left, right] = [fold(expression.left), fold(expression.right)]
      const known = [left, right].flatMap((one) => truthOf(one) ?? [])
      if (operator === '&&' && known.includes(false)) return literal(false)
      if (operator === '||' && known.includes(true)) return literal(true)
      return { kind: 'binary', operator, left, right }
    }
  }
}

/** Its truth value, if it no longer depends on any name. */
export function truthOf(expression: Expression): boolean | undefined {
  if (namesIn(expression).length > 0) return undefined
  return isTrue(evaluate(expression, { valueOf: () => null, hasChanged: () => true }))
}

function literal(value: Value): Expression {
  if (isList(value)) return { kind: 'list', items: value.map(literal) }
  return isWritten(value)
    ? { kind: 'value', value: value.number, text: value.text }
    : { kind: 'value', value }
}
