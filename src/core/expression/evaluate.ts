import { matchesGlob } from '../plan/glob.ts'
import type { Expression, FunctionName, Operator } from './syntax.ts'

export type Value = string | number | WrittenNumber | boolean | null | readonly Value[]

/** A number that the file has, which is also a text: `3.10` is not `3.1`. */
export interface WrittenNumber {
  readonly number: number
  readonly text: string
}

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
    case 'value': {
      const { value, text } = expression
      return typeof value === 'number' && text !== undefined ? { number: value, text } : value
    }
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
  if (isList(value)) return value.length > 0
  return Boolean(isWritten(value) ? value.number : value)
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

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

export function isWritten(value: Value): value is WrittenNumber {
  return typeof value === 'object' && value !== null && !isList(value)
}

/** As it is written: of a text, and of a number that the file has. */
function textOf(value: Value): string | undefined {
  if (typeof value === 'string') return value
  return isWritten(value) ? value.text : undefined
}

/**
 * What is written in the file is compared as it is written, `3.10` with `"3.10"`, and with an input's number by
 * value. Other values of different types are never equal.
 */
function isSame(a: Value, b: Value): boolean {
  if (isList(a) && isList(b)) {
    return a.length === b.length && a.every((item, i) => isSame(item, b[i] ?? null))
  }
  if (isWritten(a)) return typeof b === 'number' ? a.number === b : a.text === textOf(b)
  if (isWritten(b)) return isSame(b, a)
  return a === b
}

const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/

/** Also of a text that is a number, where the other side is one. */
function numberOf(value: Value, other: Value): number | undefined {
  if (typeof value === 'number') return value
  if (isWritten(value)) return value.number
  const isNumber = typeof value === 'string' && typeof other !== 'string' && NUMBER.test(value)
  return isNumber ? Number(value) : undefined
}

/** Numbers by value, strings by code unit; any other comparison is false. */
function compare(a: Value, b: Value, holds: (order: number) => boolean): boolean {
  if (typeof a === 'string' && typeof b === 'string') return holds(a < b ? -1 : a > b ? 1 : 0)
  const [first, second] = [numberOf(a, b), numberOf(b, a)]
  return first !== undefined && second !== undefined && holds(first - second)
}

function call(name: FunctionName, [a = null, b = null]: readonly Value[], scope: Scope): Value {
  const given = textOf(a)
  const text = given ?? ''
  const other = textOf(b)
  switch (name) {
    case 'contains':
      if (isList(a)) return a.some((item) => isSame(item, b))
      return other !== undefined && text.includes(other)
    case 'starts_with':
      return other !== undefined && text.startsWith(other)
    case 'ends_with':
      return other !== undefined && text.endsWith(other)
    case 'matches':
      return other !== undefined && given !== undefined && matchesGlob(text, other)
    case 'changed':
      return typeof a === 'string' && scope.hasChanged(text)
    case 'lower':
      return text.toLowerCase()
  }
}
