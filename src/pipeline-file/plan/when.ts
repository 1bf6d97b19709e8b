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

/** What conditions are held against. */
export interface Circumstances {
  readonly facts: PlanFacts
  readonly inputs: InputValues
  /** Absent: of the whole file, or a job without a matrix. */
  readonly combination?: NamedValues
  /** Absent: of the whole file, or a job without a template. */
  readonly params?: NamedValues
}

/**
 * It holds, and then what must have become of the things before, and what they must have told; or why it
 * does not.
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

/** Of several things that are to be seen later, one. */
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

/** Undefined: it holds; a text: why not; else what has to be seen when other jobs have ended. */
function whyNot(
  { event, branch, tag, path, expression }: Conditions,
  circumstances: Circumstances,
): string | OnlyIf | undefined {
  const { facts } = circumstances
  const events = listOf(event)
  if (events && !events.includes(facts.event)) {
    return `the event is ${facts.event}, and not ${events.join(', ')}`
  }
  const branches = listOf(branch)
  if (branches && !(branchOf(facts) && matchesGlobs(branchOf(facts), branches))) {
    return `${wordsOfBranch(facts)}, and not ${branches.join(', ')}`
  }
  const tags = listOf(tag)
  if (tags && !(tagOf(facts) && matchesGlobs(tagOf(facts), tags))) {
    const words = tagOf(facts) ? `the tag is ${quote(tagOf(facts))}` : 'there is no tag'
    return `${words}, and not ${tags.join(', ')}`
  }
  const paths = listOf(path)
  if (paths && !hasChanged(facts, paths)) return `nothing has changed in ${paths.join(', ')}`
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

function wordsOfBranch(facts: PlanFacts): string {
  const branch = branchOf(facts)
  if (branch !== '') return `the branch is ${quote(branch)}`
  // A poll sees the ref of a pull request only.
  if (facts.event !== 'pull_request') return 'there is no branch'
  return 'the branch that the pull request wants into is not known, since no webhook has told of it'
}

function listOf<Item>(value: Item | readonly Item[] | undefined): readonly Item[] | undefined {
  if (value === undefined) return undefined
  return Array.isArray(value) ? (value as readonly Item[]) : [value as Item]
}

/** What is not known is taken for changed, so that nothing is left out that should have run. */
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
      return (kind === 'params' ? params : combination)?.get(key)?.value ?? null
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
 * The inputs, axes and parameters that expressions speak of and that nothing declares, and outputs of
 * other jobs, which only a job's own condition may speak of: `onOutput` hears of them.
 */
export function checkNames(
  when: When | undefined,
  known: KnownNames,
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
      const tell = (what: string): Issue[] => [
        { path: at, message: `speaks of ${quote(name)}, but ${what}`, at: 'value' },
      ]
      const output = outputNamed(name)
      if (output) {
        onOutput?.(output, at)
        if (!onOutput) return tell('only the `when` of a job may speak of outputs')
        return isMixed ? tell('then all conditions of the list must have the same `status`') : []
      }
      const [kind = '', key = ''] = name.split('.')
      return isKind(kind) && !known[kind].includes(key) ? tell(UNKNOWN[kind]) : []
    })
  })
}

function isKind(kind: string): kind is keyof KnownNames {
  return Object.hasOwn(UNKNOWN, kind)
}
