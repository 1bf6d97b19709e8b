import type { EventAction } from '../../core/event-actions.ts'
import { present } from '../../lib/present.ts'
import type { PullRequestChange } from '../github/payloads.ts'
import { isMarkedDraft, isSameButForMark, type RequestChange } from '../request-change.ts'

/**
 * What has happened to a pull request of Gitea or Forgejo. Labels are updated as a whole, and only newer
 * versions say which; a draft is one whose title says so.
 */
export function giteaChange(told: PullRequestChange): RequestChange | undefined {
  const { action, pull_request: request } = told
  switch (action) {
    case 'synchronized':
      return { actions: ['synchronized'] }
    case 'opened':
    case 'reopened':
      return { actions: [action] }
    case 'closed':
      return { actions: [action], ...present({ merged: request?.merged }) }
    case 'label_updated':
    case 'label_cleared':
      return labelChange(told)
    case 'edited':
      return editChange(told)
    default:
      return undefined
  }
}

function labelChange({ action, changes, pull_request: request }: PullRequestChange): RequestChange {
  const addedLabels = namesOf(changes?.added_labels)
  const removedLabels = namesOf(changes?.removed_labels)
  if (addedLabels.length + removedLabels.length === 0) {
    // Not said: a label may have been removed from several, too.
    const isCleared = action === 'label_cleared' || request?.labels?.length === 0
    return { actions: [isCleared ? 'unlabeled' : 'labeled'] }
  }
  return {
    actions: addedLabels.length === 0 ? ['unlabeled'] : ['labeled', ...ifAny(removedLabels)],
    addedLabels,
    removedLabels,
  }
}

function ifAny(removed: readonly string[]): EventAction[] {
  return removed.length > 0 ? ['unlabeled'] : []
}

function editChange({ changes, pull_request: request }: PullRequestChange) {
  const { title = '' } = request ?? {}
  const formerTitle = changes?.title?.from ?? title
  const formerBranch = changes?.ref?.from
  const isDraft = request?.draft ?? isMarkedDraft(title)
  const isMarkChanged = isMarkedDraft(formerTitle) !== isMarkedDraft(title)
  const isEdited = formerBranch !== undefined || !isSameButForMark(formerTitle, title)
  const [first, ...others]: EventAction[] = [
    ...(isMarkChanged ? ([isDraft ? 'converted_to_draft' : 'ready_for_review'] as const) : []),
    ...(isEdited ? (['edited'] as const) : []),
  ]
  return first && { actions: [first, ...others] as const, ...present({ formerBranch }) }
}

function namesOf(labels: readonly { readonly name: string }[] | null | undefined): string[] {
  return labels?.map(({ name }) => name) ?? []
}
