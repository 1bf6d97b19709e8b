/** A parsed expression. */
export type Expression =
  | {
      readonly kind: 'value'
      readonly value: string | number | boolean | null
      /** Of a number: as it is written. */
      readonly text?: string
    }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  /** `branch`, `inputs.target`. */
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'not'; readonly of: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: Operator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly args: readonly Expression[] }

export type Operator = '||' | '&&' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in'

/** The functions and their numbers of arguments. */
export const FUNCTIONS = {
  contains: 2,
  starts_with: 2,
  ends_with: 2,
  matches: 2,
  changed: 1,
  lower: 1,
} as const
export type FunctionName = keyof typeof FUNCTIONS

/** Operators by precedence, the loosest first; all are left-associative. */
export const LEVELS: readonly (readonly Operator[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
]

export const LONGEST_EXPRESSION = 1_000
export const DEEPEST_EXPRESSION = 50

/** The names in an expression, with their positions in the text. */
export function namesIn(expression: Expression): { readonly name: string; readonly at: number }[] {
  switch (expression.kind) {
    case 'value':
      return []
    case 'name':
      return [{ name: expression.name, at: expression.at }]
    case 'list':
      return expression.items.flatMap(namesIn)
    case 'not':
      return namesIn(expression.of)
    case 'binary':
      return [...namesIn(expression.left), ...namesIn(expression.right)]
    case 'call':
      return expression.args.flatMap(namesIn)
  }
}
