/** What can have happened, by kind of event: one set of words for all forges. */
export const EVENT_ACTIONS = {
  push: [],
  pull_request: [
    'opened',
    'synchronized',
    'reopened',
    'closed',
    'labeled',
    'unlabeled',
    'edited',
    'ready_for_review',
    'converted_to_draft',
  ],
  tag: [],
  merge_group: ['checks_requested'],
  release: ['published'],
  manual: [],
} as const

type EventKind = keyof typeof EVENT_ACTIONS

export type EventAction = (typeof EVENT_ACTIONS)[keyof typeof EVENT_ACTIONS][number]

export const ALL_ACTIONS: readonly EventAction[] = Object.values(EVENT_ACTIONS).flat()

/** After these a pull request is built although nothing in narwhal.yml names them. */
export const COMMIT_ACTIONS: readonly EventAction[] = ['opened', 'synchronized', 'reopened']

/** What an event is, for conditions. */
export interface Happening {
  readonly event: EventKind
  /** What happened, the most important first; absent: unknown, as polling sees commits only. */
  readonly actions?: readonly EventAction[]
}

export function happeningOf({
  kind,
  details,
}: {
  readonly kind: EventKind
  readonly details?: { readonly actions?: readonly EventAction[] }
}): Happening {
  return { event: kind, ...(details?.actions && { actions: details.actions }) }
}

/**
 * Whether an event is built only if narwhal.yml names its action, or for kinds other than pull requests its
 * kind: one that brings no commit, or one that another event brings as well.
 */
export function isOnRequest({ event, actions }: Happening): boolean {
  if (event === 'merge_group' || event === 'release') return true
  if (event !== 'pull_request' || actions === undefined) return false
  return !actions.some((action) => COMMIT_ACTIONS.includes(action))
}

/** What of a file is for an event on request: nothing, single jobs, or the whole file. */
export const SELECTIONS = ['nothing', 'part', 'whole'] as const
export type Selection = (typeof SELECTIONS)[number]
