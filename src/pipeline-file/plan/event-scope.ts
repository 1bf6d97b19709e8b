import type { Scope, Value } from '../../core/expression/evaluate.ts'
import { matchesGlobs } from '../../core/plan/glob.ts'
import { branchOf, type PlanFacts, requestFactsOf, tagOf } from '../../core/plan/plan-facts.ts'
import type { ExpressionName } from '../schema/when.ts'
import type { NamedValues } from './facts.ts'
import type { InputValues } from './inputs.ts'

/** What conditions are evaluated against. */
export interface Circumstances {
  readonly facts: PlanFacts
  readonly inputs: InputValues
  /** Absent: for the whole file, or a job without a matrix. */
  readonly combination?: NamedValues
  /** Absent: for the whole file, or a job without a template. */
  readonly params?: NamedValues
  /** The event is only built on request: conditions that don't name its action don't hold. */
  readonly onlyNamed?: boolean
}

/** The values of the names in expressions; undefined: unknown, as the forge has not reported it. */
function eventValues(facts: PlanFacts): Readonly<Record<ExpressionName, Value | undefined>> {
  const isRequest = facts.event === 'pull_request'
  const { actions = isRequest ? undefined : [''] } = facts
  const { labels, draft, milestone, ...request } = requestFactsOf(facts)
  return {
    event: facts.event,
    action: actions?.[0],
    branch: isRequest ? branchOf(facts) || undefined : branchOf(facts),
    tag: tagOf(facts),
    ref: facts.ref,
    sha: facts.sha,
    repository: facts.repository,
    title: facts.title,
    author: facts.author,
    labels,
    draft,
    milestone,
    merged: request.merged,
    added_labels: request.addedLabels,
    removed_labels: request.removedLabels,
    former_branch: request.formerBranch,
    stranger: facts.isStranger,
    from_fork: facts.isStranger,
  }
}

export interface EventScope extends Scope {
  readonly isUnknown: (name: string) => boolean
}

export function eventScope({ facts, inputs, combination, params }: Circumstances): EventScope {
  const values: Readonly<Record<string, Value | undefined>> = eventValues(facts)
  return {
    isUnknown: (name) => Object.hasOwn(values, name) && values[name] === undefined,
    valueOf: (name) => {
      if (Object.hasOwn(values, name)) return values[name] ?? null
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

/** Unknown counts as changed, so that nothing is skipped that should have run. */
export function hasChanged({ changedPaths }: PlanFacts, patterns: readonly string[]): boolean {
  return changedPaths?.some((path) => matchesGlobs(path, patterns)) ?? true
}
