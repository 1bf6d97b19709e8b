import { type Expression, namesIn } from './syntax.ts'

/**
 * Replaces what depends on unknown names so that it never makes the whole true: whatever their values were,
 * the whole would be true as well. Between `&&`, `||` and `!` each part counts by itself: `unknown || true` is
 * true, and neither `unknown` nor `!unknown` is.
 */
export function withoutUnknown(
  expression: Expression,
  isUnknown: (name: string) => boolean,
  wanted = true,
): Expression {
  const part = (one: Expression, want: boolean): Expression => withoutUnknown(one, isUnknown, want)
  if (!namesIn(expression).some(({ name }) => isUnknown(name))) return expression
  if (expression.kind === 'not') return { ...expression, of: part(expression.of, !wanted) }
  const isLogical =
    expression.kind === 'binary' && (expression.operator === '&&' || expression.operator === '||')
  if (!isLogical) return { kind: 'value', value: !wanted }
  return {
    ...expression,
    left: part(expression.left, wanted),
    right: part(expression.right, wanted),
  }
}
