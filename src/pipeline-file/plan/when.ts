import type { Scope, Value } from '../../core/expression/evaluate.ts'
import { foldKnown, truthOf } from '../../core/expression/fold-known.ts'
import { readExpression } from '../../core/expression/read-expression.ts'
import { type Expression, namesIn } from '../../core/expression/syntax.ts'
import { matchesGlobs } from '../../core/plan/glob.ts'
import { type OutputReference, outputNamed } from '../../core/plan/outputs.ts'
import type { OnlyIf, RunsOn } from '../../core/plan/plan.ts'
import { branchOf, type PlanFacts, tagOf } from '../../core/plan/plan-facts.ts'
import type { Issue } from '../issues.ts'
import type { Conditions, ExpressionName, When } from '../schema/when.ts'
import { quote } from '../words.ts'
import type { KnownNames, NamedValues } from './facts.ts'
import type { InputValues } from './inputs.ts'

/** What conditions are evaluated against. */
export interface Circumstances {
  readonly facts: PlanFacts
  readonly inputs: InputValues
  /** Absent: for the whole file, or a job without a matrix. */
  readonly combination?: NamedValues
  /** Absent: for the whole file, or a job without a template. */
  readonly params?: NamedValues
}

/**
 * Whether conditions hold; `runsOn` and `onlyIf`: what remains to be decided once earlier jobs or steps have
 * finished.
 */
export type Judgement =
  | { readonly holds: true; readonly runsOn?: RunsOn; readonly onlyIf?: OnlyIf }
  | { readonly holds: false; readonly reason: string }

export function judge(when: When | undefined, circumstances: Circumstances): Judgement {
  if (when === undefined) return { holds: true }
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

/** Undefined: they hold; a text: why not; otherwise what to decide once other jobs have finished. */
function whyNot(
  { event, branch, tag, path, expression }: Conditions,
  circumstances: Circumstances,
): string | OnlyIf | undefined {
  const { facts } = circumstances
  const events = listOf(event)
  if (events && !events.includes(facts.event)) {
    return `the event is ${facts.event}, not ${events.join(' or ')}`
  }
  const branches = listOf(branch)
  if (branches && !(branchOf(facts) && matchesGlobs(branchOf(facts), branches))) {
    return `${describeBranch(facts)} ${branches.join(', ')}`
  }
  const tags = listOf(tag)
  if (tags && !(tagOf(facts) && matchesGlobs(tagOf(facts), tags))) {
    const words = tagOf(facts)
      ? `tag ${quote(tagOf(facts))} does not match`
      : 'there is no tag to match'
    return `${words} ${tags.join(', ')}`
  }
  const paths = listOf(path)
  if (paths && !hasChanged(facts, paths)) return `nothing changed in ${paths.join(', ')}`
  if (expression === undefined) return undefined
  const read = readExpression(expression)
  const left: Expression = read.ok
    ? foldKnown(read.expression, scopeOf(circumstances), isOutput)
    : { kind: 'value', value: false }
  const isSo = truthOf(left)
  if (isSo === undefined) return { text: expression, expression: left }
  return isSo ? undefined : `${expression} is not true`
}

function isOutput(name: string): boolean {
  return outputNamed(name) !== undefined
}

function describeBranch(facts: PlanFacts): string {
  const branch = branchOf(facts)
  if (branch !== '') return `branch ${quote(branch)} does not match`
  // Polling sees only the ref of a pull request.
  if (facts.event !== 'pull_request') return 'there is no branch to match'
  return "the target branch of the pull request is unknown, as no webhook reported it, so it can't match"
}

function listOf<Item>(value: Item | readonly Item[] | undefined): readonly Item[] | undefined {
  if (value === undefined) return undefined
  return Array.isArray(value) ? (value as readonly Item[]) : [value as Item]
}

/** Unknown counts as changed, so that nothing is skipped that should have run. */
function hasChanged({ changedPaths }: PlanFacts, patterns: readonly string[]): boolean {
  return changedPaths?.some((path) => matchesGlobs(path, patterns)) ?? true
}

function scopeOf({ facts, inputs, combination, params }: Circumstances): Scope {
  const values: Record<ExpressionName, Value> = {
    event: facts.event,
    branch: branchOf(facts),
    tag: tagOf(facts),
    ref: facts.ref,
    sha: facts.sha,
    repository: facts.repository,
    title: facts.title,
    author: facts.author,
    stranger: facts.isStranger,
    from_fork: facts.isStranger,
  }
  return {
    valueOf: (name) => {
      if (Object.hasOwn(values, name)) return values[name as ExpressionName]
      const [kind = '', key = ''] = name.split('.')
      if (kind === 'inputs') return inputs.get(key) ?? null
      const found = (kind === 'params' ? params : combination)?.get(key)
      if (!found) return null
      const { value, text } = found
      return typeof value === 'number' ? { number: value, text } : value
    },
    hasChanged: (pattern) => hasChanged(facts, [pattern]),
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
