import { evaluate, isTrue, type Scope, type Value } from '../../../core/expression/evaluate.ts'
import { readExpression } from '../../../core/expression/read-expression.ts'
import { namesIn } from '../../../core/expression/syntax.ts'
import { matchesGlobs } from '../../../core/glob.ts'
import type { RunsOn } from '../../../core/plan.ts'
import { branchOf, type PlanFacts, tagOf } from '../../../core/plan-facts.ts'
import type { Issue } from '../issues.ts'
import type { Conditions, ExpressionName, When } from '../schema/when.ts'
import { quote } from '../words.ts'
import type { InputValues } from './inputs.ts'
import type { Combination } from './matrix.ts'
import type { Params } from './planning.ts'

/** What conditions are held against. */
export interface Circumstances {
  readonly facts: PlanFacts
  readonly inputs: InputValues
  /** Absent: of the whole file, or a job without a matrix. */
  readonly combination?: Combination
  /** Absent: of the whole file, or a job without a template. */
  readonly params?: Params
}

/** It holds, and then what must have become of the things before; or why it does not. */
export type Judgement =
  | { readonly holds: true; readonly runsOn?: RunsOn }
  | { readonly holds: false; readonly reason: string }

export function judge(when: When | undefined, circumstances: Circumstances): Judgement {
  if (when === undefined) return { holds: true }
  const alternatives = Array.isArray(when) ? when : [when]
  const reasons = alternatives.map((one) => whyNot(one, circumstances))
  const statuses = alternatives
    .filter((_, i) => reasons[i] === undefined)
    .map(({ status = 'success' }) => status)
  if (statuses.length === 0) {
    return { holds: false, reason: `when: ${[...new Set(reasons)].join('; or ')}` }
  }
  const isOnly = (status: string) => statuses.every((one) => one === status)
  if (isOnly('success')) return { holds: true }
  return { holds: true, runsOn: isOnly('failure') ? 'failure' : 'always' }
}

function whyNot(
  { event, branch, tag, path, expression }: Conditions,
  circumstances: Circumstances,
): string | undefined {
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
  const isSo = read.ok && isTrue(evaluate(read.expression, scopeOf(circumstances)))
  return isSo ? undefined : `${expression} is not true`
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
    from_fork: facts.fromFork,
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

/** What expressions may speak of, by its kind. */
export interface KnownNames {
  readonly inputs: readonly string[]
  readonly matrix: readonly string[]
  readonly params: readonly string[]
}

const UNKNOWN = {
  inputs: 'there is no such input',
  matrix: 'this job has no such axis',
  params: 'there is no template here with such a parameter',
} as const

/** The inputs, axes and parameters that expressions speak of and that nothing declares. */
export function checkNames(
  when: When | undefined,
  known: KnownNames,
  path: readonly PropertyKey[],
): Issue[] {
  if (when === undefined) return []
  const isList = Array.isArray(when)
  return (isList ? when : [when]).flatMap(({ expression = '' }, i) => {
    const read = readExpression(expression)
    if (!read.ok) return []
    return namesIn(read.expression).flatMap(({ name }): Issue[] => {
      const [kind = '', key = ''] = name.split('.')
      if (!isKind(kind) || known[kind].includes(key)) return []
      const what = UNKNOWN[kind]
      const at = [...path, ...(isList ? [i] : []), 'expression']
      return [{ path: at, message: `speaks of ${quote(name)}, but ${what}`, at: 'value' }]
    })
  })
}

function isKind(kind: string): kind is keyof KnownNames {
  return Object.hasOwn(UNKNOWN, kind)
}
