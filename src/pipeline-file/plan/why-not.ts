import { COMMIT_ACTIONS, EVENT_ACTIONS } from '../../core/event-actions.ts'
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
  const { facts, onlyNamed = false } = circumstances
  if (onlyNamed && !namesAction(conditions, facts)) return unnamed(facts)
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
  whyNotAction,
  whyNotBranch,
  whyNotTag,
  whyNotLabel,
  whyNotDraft,
  whyNotMilestone,
  whyNotMerged,
  whyNotPath,
]

function whyNotEvent({ event }: Conditions, facts: PlanFacts): string | undefined {
  const events = listOf(event)
  if (!events || events.includes(facts.event)) return undefined
  return `the event is ${facts.event}, not ${events.join(' or ')}`
}

function whyNotAction({ action }: Conditions, facts: PlanFacts): string | undefined {
  const wanted = listOf(action)
  if (!wanted) return undefined
  if (EVENT_ACTIONS[facts.event].length === 0) return `a ${facts.event} has no action`
  const { actions } = facts
  if (!actions) {
    // Polling finds a commit, but not which of these brought it.
    return COMMIT_ACTIONS.every((one) => wanted.includes(one))
      ? undefined
      : `what happened to the pull request is unknown, as no webhook reported it, so it can't be ${wanted.join(' or ')}`
  }
  if (actions.some((one) => wanted.includes(one))) return undefined
  return `the action is ${actions.join(' and ')}, not ${wanted.join(' or ')}`
}

/** Whether conditions name what an event on request is: its action, or its kind where that has one action. */
export function namesAction({ event, action }: Conditions, facts: PlanFacts): boolean {
  const { actions = [] } = facts
  if (listOf(action)?.some((one) => actions.includes(one))) return true
  return facts.event !== 'pull_request' && (listOf(event)?.includes(facts.event) ?? false)
}

/** Why conditions that don't name the action of an event on request don't hold. */
export function unnamed({ event, actions = [] }: PlanFacts): string {
  return event === 'pull_request'
    ? `the action is ${actions.join(' and ')}, which only runs what names it`
    : `the event is ${event}, which only runs what names it`
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
function whyNotLabel(conditions: Conditions, facts: PlanFacts): string | undefined {
  const patterns = listOf(conditions.label)
  if (!patterns) return undefined
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
  const unwanted = patterns.filter((pattern) => pattern.startsWith('!'))
  const { labels } = requestFactsOf(facts)
  const candidates = wanted.length > 0 ? labelsInQuestion(conditions, facts) : labels
  if (!candidates || (unwanted.length > 0 && !labels)) {
    return `${unknown('labels')}, so they can't match ${patterns.join(', ')}`
  }
  const isWanted = wanted.some((pattern) => candidates.some((one) => matchesGlob(one, pattern)))
  if (wanted.length > 0 && !isWanted) return `no label matches ${wanted.join(', ')}`
  for (const pattern of unwanted) {
    const found = labels?.find((one) => matchesGlob(one, pattern.slice(1)))
    if (found !== undefined) return `label ${quote(found)} is excluded by ${pattern}`
  }
  return undefined
}

/** Those that the event added or removed, if that is what is asked for; otherwise all of the pull request. */
function labelsInQuestion({ action }: Conditions, facts: PlanFacts): readonly string[] | undefined {
  const { labels, addedLabels, removedLabels } = requestFactsOf(facts)
  const wanted = listOf(action)
  const happened = (facts.actions ?? []).filter((one) => wanted?.includes(one) ?? true)
  const isOfLabels = happened.every((one) => one === 'labeled' || one === 'unlabeled')
  if (happened.length === 0 || !isOfLabels) return labels
  // Not every forge says which one was added: then it may be any that is there.
  const added = happened.includes('labeled') ? (addedLabels ?? labels) : []
  const removed = happened.includes('unlabeled') ? removedLabels : []
  return added && removed && [...added, ...removed]
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

function whyNotMerged({ merged }: Conditions, facts: PlanFacts): string | undefined {
  if (merged === undefined) return undefined
  const { merged: present } = requestFactsOf(facts)
  if (present === merged) return undefined
  if (present === undefined) return 'the forge has not reported whether the pull request was merged'
  return present ? 'the pull request was merged' : 'no pull request was merged'
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
