import type { EventDetails } from '../core/commit-event.ts'
import type { EventAction } from '../core/event-actions.ts'
import { LONGEST_LABEL, type RequestFacts } from '../core/request-facts.ts'
import { firstLine } from '../lib/hostile-text.ts'
import { present } from '../lib/present.ts'

/** What a webhook says has happened to a pull request, in the words of `EVENT_ACTIONS`. */
export interface RequestChange {
  /** The most important first. */
  readonly actions: readonly [EventAction, ...EventAction[]]
  readonly addedLabels?: readonly string[]
  readonly removedLabels?: readonly string[]
  /** The target branch before, if it was changed. */
  readonly formerBranch?: string
  readonly merged?: boolean
}

const LONGEST_OCCURRENCE = 500

/** The details of an event with what has changed. */
export function withChange(change: RequestChange, details: EventDetails): EventDetails {
  const { actions, addedLabels, removedLabels, formerBranch, merged } = change
  const clean = (labels: readonly string[] | undefined): string[] | undefined =>
    labels?.map((label) => firstLine(label, LONGEST_LABEL))
  const changed = present({
    addedLabels: clean(addedLabels),
    removedLabels: clean(removedLabels),
    formerBranch: formerBranch && firstLine(formerBranch, LONGEST_LABEL),
    merged,
  })
  const request = { ...details.request, ...changed }
  return { ...details, actions, ...(Object.keys(request).length > 0 ? { request } : {}) }
}

/**
 * What tells two changes of a pull request apart that don't move its head: the same for each delivery of the
 * same change. Absent for what moves it. Forges say to the second when it changed, and what changed tells
 * apart what they report of one second.
 */
export function occurrenceOf(
  { actions }: RequestChange,
  changedAt: string | null | undefined,
  title: string,
  { targetBranch = '', request = {} }: EventDetails,
): { readonly occurrence?: string } {
  const [action] = actions
  if (action === 'opened' || action === 'synchronized') return {}
  if (action === 'reopened') return { occurrence: words([action, changedAt ?? '']) }
  const what = changedAt
    ? changesOf(actions, title, targetBranch, request)
    : [title, stateOf(request)]
  return { occurrence: words([actions.join(','), changedAt ?? '', ...what]) }
}

function changesOf(
  actions: readonly EventAction[],
  title: string,
  targetBranch: string,
  { labels = [], addedLabels = labels, removedLabels = [] }: RequestFacts,
): string[] {
  const isOfLabels = actions.includes('labeled') || actions.includes('unlabeled')
  return [
    ...(isOfLabels ? [JSON.stringify([addedLabels, removedLabels])] : []),
    ...(actions.includes('edited') ? [targetBranch, title] : []),
  ]
}

/** For forges that don't say when. */
function stateOf({ labels = [], draft, milestone }: RequestFacts): string {
  return JSON.stringify([labels, draft ?? null, milestone ?? null])
}

function words(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, LONGEST_OCCURRENCE)
    .toWellFormed()
}

/** GitLab and Gitea mark drafts in the title: that the mark was changed isn't an edit of the title. */
const DRAFT_MARK = /^\s*(?:\[(?:draft|wip)\]|\((?:draft|wip)\)|(?:draft|wip)\s*(?::|-(?=\s)))\s*/i

export function isMarkedDraft(title: string): boolean {
  return DRAFT_MARK.test(title)
}

export function isSameButForMark(title: string, other: string): boolean {
  return title.replace(DRAFT_MARK, '').trim() === other.replace(DRAFT_MARK, '').trim()
}
