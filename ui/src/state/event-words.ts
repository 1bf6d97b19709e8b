import { actionWords } from '../../../src/contract/rest/forge-words.ts'
import type { PipelineView } from '../../../src/contract/rest/views.ts'
import { KIND_WORDS } from './pipeline-filter.ts'

/** The kind of event, and what has happened, unless it goes without saying: `Pull request, labeled`. */
export function eventWords(event: PipelineView['event']): string {
  return [KIND_WORDS[event.kind], ...actionWords(event)].join(', ')
}

/** What conditions can ask for about a pull request, as far as it is known. */
export function requestWords({
  targetBranch,
  draft,
  labels = [],
  milestone,
}: PipelineView['event']) {
  return [
    ...(targetBranch === undefined ? [] : [`Into ${targetBranch}`]),
    ...(draft ? ['Draft'] : []),
    ...(labels.length > 0 ? [`Labels: ${labels.join(', ')}`] : []),
    ...(milestone ? [`Milestone: ${milestone}`] : []),
  ]
}
