import { foldKnown, truthOf } from '../../core/expression/fold-known.ts'
import { readExpression } from '../../core/expression/read-expression.ts'
import { namesIn } from '../../core/expression/syntax.ts'
import { withoutUnknown } from '../../core/expression/without-unknown.ts'
import { matchesGlob, matchesGlobs } from '../../core/plan/glob.ts'
import { outputNamed } from '../../core/plan/outputs.ts'
import type { OnlyIf } from '../../core/plan/plan.ts'
import { branchOf, type PlanFacts, requestFactsOf, tagOf } from '../../core/plan/plan-facts.ts'
import type { Conditions } from '../schema/when.ts'
import { quote } from '../words.ts'
import { type Circumstances, eventScope, hasChanged } from './event-scope.ts'

/**
 * Why conditions don't hold; undefined: they do; otherwise what to decide once other jobs have finished. A
 * condition on something unknown doesn't hold, whichever way it is put.
 */
export function whyNot(
  conditions: Conditions,
  circumstances: Circumstances,
): string | OnlyIf | undefined {
  const { facts } = circumstances
  for (const check of CHECKS) {
    const reason = check(conditions, facts)
    if (reason !== undefined) return reason
  }
  const { expression } = conditions
  return expression === undefined ? undefined : whyNotTrue(expression, circumstances)
}

type Check = (conditions: Conditions, facts: PlanFacts) => string | undefined

/** In the order in which their reasons count. */
const CHECKS: readonly Check[] = [
  whyNotEvent,
  whyNotBranch,
  whyNotTag,
  whyNotLabel,
  whyNotDraft,
  whyNotMilestone,
  whyNotPath,
]

function whyNotEvent({ event }: Conditions, facts: PlanFacts): string | undefined {
  const events = listOf(event)
  if (!events || events.includes(facts.event)) return undefined
  return `the event is ${facts.event}, not ${events.join(' or ')}`
}

function whyNotBranch({ branch }: Conditions, facts: PlanFacts): string | undefined {
  const branches = listOf(branch)
  const present = branchOf(facts)
  if (!branches || (present && matchesGlobs(present, branches))) return undefined
  const list = branches.join(', ')
  if (present !== '') return `branch ${quote(present)} does not match ${list}`
  // Polling sees only the ref of a pull request.
  return facts.event === 'pull_request'
    ? `${unknown('target branch')}, so it can't match ${list}`
    : `there is no branch to match ${list}`
}

function whyNotTag({ tag }: Conditions, facts: PlanFacts): string | undefined {
  const tags = listOf(tag)
  const present = tagOf(facts)
  if (!tags || (present && matchesGlobs(present, tags))) return undefined
  const words = present ? `tag ${quote(present)} does not match` : 'there is no tag to match'
  return `${words} ${tags.join(', ')}`
}

/** Not as for paths: `!wip` excludes pull requests with that label, whatever other labels they have. */
function whyNotLabel({ label }: Conditions, facts: PlanFacts): string | undefined {
  const patterns = listOf(label)
  if (!patterns) return undefined
  const { labels } = requestFactsOf(facts)
  if (!labels) return `${unknown('labels')}, so they can't match ${patterns.join(', ')}`
  const matching = (pattern: string): string | undefined =>
    labels.find((one) => matchesGlob(one, pattern))
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
  if (wanted.length > 0 && !wanted.some(matching)) return `no label matches ${wanted.join(', ')}`
  for (const pattern of patterns.filter((one) => one.startsWith('!'))) {
    const found = matching(pattern.slice(1))
    if (found !== undefined) return `label ${quote(found)} is excluded by ${pattern}`
  }
  return undefined
}

function whyNotDraft({ draft }: Conditions, facts: PlanFacts): string | undefined {
  if (draft === undefined) return undefined
  const { draft: present } = requestFactsOf(facts)
  if (present === draft) return undefined
  if (present === undefined) return 'the forge has not reported whether the pull request is a draft'
  return present ? 'the pull request is a draft' : 'there is no draft of a pull request'
}

function whyNotMilestone({ milestone }: Conditions, facts: PlanFacts): string | undefined {
  const patterns = listOf(milestone)
  if (!patterns) return undefined
  const { milestone: present } = requestFactsOf(facts)
  const list = patterns.join(', ')
  if (present === undefined) return `${unknown('milestone')}, so it can't match ${list}`
  if (present === '') return `there is no milestone to match ${list}`
  return matchesGlobs(present, patterns)
    ? undefined
    : `milestone ${quote(present)} does not match ${list}`
}

function whyNotPath({ path }: Conditions, facts: PlanFacts): string | undefined {
  const paths = listOf(path)
  return paths && !hasChanged(facts, paths) ? `nothing changed in ${paths.join(', ')}` : undefined
}

function whyNotTrue(text: string, circumstances: Circumstances): string | OnlyIf | undefined {
  const read = readExpression(text)
  if (!read.ok) return `${text} is not true`
  const scope = eventScope(circumstances)
  const isLater = (name: string): boolean => outputNamed(name) !== undefined
  const known = foldKnown(read.expression, scope, (name) => isLater(name) || scope.isUnknown(name))
  const expression = withoutUnknown(known, scope.isUnknown)
  const isSo = truthOf(expression)
  if (isSo === undefined) return { text, expression }
  if (isSo) return undefined
  const names = new Set(namesIn(known).map(({ name }) => name))
  const missing = [...names].filter(scope.isUnknown)
  return missing.length === 0
    ? `${text} is not true`
    : `${text} can't be decided: ${missing.join(' and ')} of the pull request ${missing.length > 1 ? 'are' : 'is'} unknown, as the forge has not reported it`
}

/** By polling, or by a forge that doesn't send it. */
function unknown(what: 'target branch' | 'labels' | 'milestone'): string {
  return what === 'labels'
    ? 'the labels of the pull request are unknown, as no webhook reported them'
    : `the ${what} of the pull request is unknown, as no webhook reported it`
}

function listOf<Item>(value: Item | readonly Item[] | undefined): readonly Item[] | undefined {
  if (value === undefined) return undefined
  return Array.isArray(value) ? (value as readonly Item[]) : [value as Item]
}
