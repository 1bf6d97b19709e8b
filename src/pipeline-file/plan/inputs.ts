import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { suggestKey } from '../../lib/suggest-key.ts'
import type { Issue } from '../issues.ts'
import type { Input, Inputs } from '../schema/inputs.ts'
import type { Scalar } from '../schema/matrix.ts'
import { quote } from '../words.ts'

/** The inputs' values; an input without a value and a default is absent. */
export type InputValues = ReadonlyMap<string, Scalar>

/** Checks the given inputs against the declarations; manual starts must give those without a default. */
export function planInputs(
  declared: Inputs,
  { inputs: given, event }: PlanFacts,
): { values: InputValues; issues: Issue[] } {
  const values = new Map<string, Scalar>()
  const issues: Issue[] = []
  const tell = (path: readonly PropertyKey[], message: string): void => {
    issues.push({ path: ['inputs', ...path], message, at: 'key' })
  }
  issues.push(...checkDeclarations(declared, ['inputs']))
  for (const [name, input] of Object.entries(declared)) {
    const text = Object.hasOwn(given, name) ? given[name] : undefined
    if (explainDeclaration(input)) continue
    if (text !== undefined) {
      const value = readInput(input, text)
      if (value === undefined) tell([name], `can't be ${quote(text)}: it must be ${wanted(input)}`)
      else values.set(name, value)
    } else if (input.default !== undefined) values.set(name, input.default)
    else if (event === 'manual') tell([name], `must be given: ${wanted(input)}`)
  }
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue
    const meant = suggestKey(name, Object.keys(declared))
    tell([], `has no ${quote(name)}${meant ? `: did you mean ${meant}?` : ''}`)
  }
  return { values, issues }
}

/** Contradictory declarations of inputs or of a template's parameters. */
export function checkDeclarations(declared: Inputs, path: readonly PropertyKey[]): Issue[] {
  return Object.entries(declared).flatMap(([name, input]): Issue[] => {
    const wrong = explainDeclaration(input)
    if (!wrong) return []
    return [{ path: [...path, name, ...wrong.path], message: wrong.message, at: 'key' }]
  })
}

function explainDeclaration({
  type = 'text',
  options,
  default: usual,
}: Input): { path: string[]; message: string } | undefined {
  if (type === 'choice' && !options) return { path: [], message: 'needs options to choose from' }
  if (type !== 'choice' && options) return { path: ['options'], message: 'is only for type choice' }
  if (usual === undefined) return undefined
  const fits =
    type === 'choice' ? options?.includes(String(usual)) : type === 'text' || typeof usual === type
  return fits ? undefined : { path: ['default'], message: `must be ${wanted({ type, options })}` }
}

/** Parses a text as the input's type; undefined if it is invalid. */
export function readInput({ type = 'text', options }: Input, text: string): Scalar | undefined {
  switch (type) {
    case 'text':
      return text
    case 'number':
      return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : undefined
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    case 'choice':
      return options?.includes(text) ? text : undefined
  }
}

/** Describes the valid values of an input. */
export function wanted({ type = 'text', options = [] }: Input): string {
  if (type === 'choice') return `one of ${options.join(', ')}`
  return type === 'boolean' ? 'true or false' : type === 'number' ? 'a number' : 'a string'
}
