import { readExpression } from '../../core/expression/read-expression.ts'
import { namesIn } from '../../core/expression/syntax.ts'
import { type OutputReference, outputNamed } from '../../core/plan/outputs.ts'
import type { OnlyIf, RunsOn } from '../../core/plan/plan.ts'
import type { Issue } from '../issues.ts'
import type { When } from '../schema/when.ts'
import { quote } from '../words.ts'
import type { Circumstances } from './event-scope.ts'
import type { KnownNames } from './facts.ts'
import { namesAction, unnamed, whyNot } from './why-not.ts'

/**
 * Whether conditions hold; `runsOn` and `onlyIf`: what remains to be decided once earlier jobs or steps have
 * finished.
 */
export type Judgement =
  | { readonly holds: true; readonly runsOn?: RunsOn; readonly onlyIf?: OnlyIf }
  | { readonly holds: false; readonly reason: string }

export function judge(when: When | undefined, circumstances: Circumstances): Judgement {
  if (when === undefined) {
    const { facts, onlyNamed = false } = circumstances
    return onlyNamed ? { holds: false, reason: `when: ${unnamed(facts)}` } : { holds: true }
  }
  const alternatives = Array.isArray(when) ? when : [when]
  const verdicts = alternatives.map((one) => whyNot(one, circumstances))
  const statuses = alternatives
    .filter((_, i) => typeof verdicts[i] !== 'string')
    .map(({ status = 'success' }) => status)
  if (statuses.length === 0) {
    const reasons = verdicts.filter((one) => typeof one === 'string')
    return { holds: false, reason: `when: ${[...new Set(reasons)].join('; or ')}` }
  }
  const isOnly = (status: string) => statuses.every((one) => one === status)
  const later = verdicts.includes(undefined) ? undefined : anyOf(verdicts)
  const onlyIf = later ? { onlyIf: later } : {}
  if (isOnly('success')) return { holds: true, ...onlyIf }
  return { holds: true, runsOn: isOnly('failure') ? 'failure' : 'always', ...onlyIf }
}

/** Whether a file's own `when` names the action of an event on request, and holds: then all of it is built. */
export function isNamedBy(when: When | undefined, circumstances: Circumstances): boolean {
  const named = when === undefined ? [] : [when].flat()
  return named.some(
    (one) =>
      namesAction(one, circumstances.facts) && typeof whyNot(one, circumstances) !== 'string',
  )
}

/** The disjunction of conditions that can only be decided later. */
function anyOf(verdicts: readonly (string | OnlyIf | undefined)[]): OnlyIf | undefined {
  const all = verdicts.filter((one) => typeof one === 'object')
  return all.reduce<OnlyIf | undefined>(
    (left, right) => (left ? eitherOf(left, right) : right),
    undefined,
  )
}

function eitherOf(left: OnlyIf, right: OnlyIf): OnlyIf {
  return {
    text: `${left.text} || ${right.text}`,
    expression: {
      kind: 'binary',
      operator: '||',
      left: left.expression,
      right: right.expression,
    },
  }
}

const UNKNOWN = {
  inputs: 'there is no such input',
  matrix: 'this job has no such axis',
  params: 'there is no template here with such a parameter',
} as const

/**
 * Undeclared inputs, axes and parameters in expressions. Outputs of other jobs are allowed only in a job's
 * own condition: `onOutput` is called for them.
 */
export function checkNames(
  when: When | undefined,
  names: KnownNames,
  path: readonly PropertyKey[],
  onOutput?: (output: OutputReference, path: readonly PropertyKey[]) => void,
): Issue[] {
  if (when === undefined) return []
  const isList = Array.isArray(when)
  const all = isList ? when : [when]
  const isMixed = new Set(all.map(({ status = 'success' }) => status)).size > 1
  return all.flatMap(({ expression = '' }, i) => {
    const read = readExpression(expression)
    if (!read.ok) return []
    const at = [...path, ...(isList ? [i] : []), 'expression']
    return namesIn(read.expression).flatMap(({ name }): Issue[] => {
      const fail = (why: string): Issue[] => [
        { path: at, message: `refers to ${quote(name)}, but ${why}`, at: 'value' },
      ]
      const output = outputNamed(name)
      if (output) {
        onOutput?.(output, at)
        if (!onOutput) return fail('only the `when` of a job may refer to outputs')
        return isMixed ? fail('then all conditions of the list must have the same `status`') : []
      }
      const [kind = '', key = ''] = name.split('.')
      return isKind(kind) && !names[kind].includes(key) ? fail(UNKNOWN[kind]) : []
    })
  })
}

function isKind(kind: string): kind is keyof KnownNames {
  return Object.hasOwn(UNKNOWN, kind)
}
