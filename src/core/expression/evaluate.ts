import { matchesGlob } from '../plan/glob.ts'
import type { Expression, FunctionName, Operator } from './syntax.ts'

export type Value = string | number | boolean | null | readonly Value[]

export interface Scope {
  /** The value of a name; null if it has none. */
  valueOf(name: string): Value
  /** Whether a path that matches the pattern was changed; true if that is not known. */
  hasChanged(pattern: string): boolean
}

/**
 * Evaluates an expression. Total: it always terminates with a result, whatever the values. `&&` and `||`
 * short-circuit.
 */
export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'value':
      return expression.value
    case 'list':
      return expression.items.map((item) => evaluate(item, scope))
    case 'name':
      return scope.valueOf(expression.name)
    case 'not':
      return !isTrue(evaluate(expression.of, scope))
    case 'call':
      return call(
        expression.name,
        expression.args.map((arg) => evaluate(arg, scope)),
        scope,
      )
    case 'binary':
      return binary(expression, scope)
  }
}

/** `false`, `null`, `0`, the empty text and the empty list are not true; everything else is. */
export function isTrue(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function binary(
  { operator, left, right }: { operator: Operator; left: Expression; right: Expression },
  scope: Scope,
): Value {
  const first = evaluate(left, scope)
  if (operator === '&&') return isTrue(first) && isTrue(evaluate(right, scope))
  if (operator === '||') return isTrue(first) || isTrue(evaluate(right, scope))
  const second = evaluate(right, scope)
  switch (operator) {
    case '==':
      return isSame(first, second)
    case '!=':
      return !isSame(first, second)
    case 'in':
      return isList(second) && second.some((item) => isSame(first, item))
    case '<':
      return compare(first, second, (order) => order < 0)
    case '<=':
      return compare(first, second, (order) => order <= 0)
    case '>':
      return compare(first, second, (order) => order > 0)
    case '>=':
      return compare(first, second, (order) => order >= 0)
  }
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

/** Values of different types are never equal: `1` is not `"1"`. */
function isSame(a: Value, b: Value): boolean {
  if (isList(a) && isList(b)) {
    return a.length === b.length && a.every((item, i) => isSame(item, b[i] ?? null))
  }
  return a === b
}

/** Numbers by value, strings by code unit; any other comparison is false. */
function compare(a: Value, b: Value, holds: (order: number) => boolean): boolean {
  if (typeof a === 'number' && typeof b === 'number') return holds(a - b)
  if (typeof a === 'string' && typeof b === 'string') return holds(a < b ? -1 : a > b ? 1 : 0)
  return false
}

function call(name: FunctionName, [a = null, b = null]: readonly Value[], scope: Scope): Value {
  const text = typeof a === 'string' ? a : ''
  const other = typeof b === 'string' ? b : undefined
  switch (name) {
    case 'contains':
      if (isList(a)) return a.some((item) => isSame(item, b))
      return other !== undefined && text.includes(other)
    case 'starts_with':
      return other !== undefined && text.startsWith(other)
    case 'ends_with':
      return other !== undefined && text.endsWith(other)
    case 'matches':
      return other !== undefined && typeof a === 'string' && matchesGlob(text, other)
    case 'changed':
      return typeof a === 'string' && scope.hasChanged(text)
    case 'lower':
      return text.toLowerCase()
  }
}
