import type { PipelineView } from '../../contract/rest/views.ts'
import { type CommitStatus, statusContext, statusState } from '../../core/commit-status.ts'
import { present } from '../../lib/present.ts'

const LONGEST_DESCRIPTION = 140

export interface StatusRules {
  /** The page's address, without a trailing slash. */
  readonly publicUrl?: string | undefined
  /** A commit for which nothing runs is not reported as a success. */
  readonly skippedIsOpen?: boolean | undefined
}

export function commitStatus(pipeline: PipelineView, rules: StatusRules): CommitStatus {
  const { publicUrl, skippedIsOpen = false } = rules
  const { id, event, status, outcome } = pipeline
  const isAwaited = isAwaitedOf(pipeline)
  return {
    sha: event.sha,
    state: statusState({
      status,
      outcome,
      isAwaited,
      isShort: pipeline.target?.isShort ?? false,
      skippedIsOpen,
    }),
    context: statusContext(event),
    description: oneLine(
      isAwaited && status !== 'finished'
        ? describeAwaited(pipeline, publicUrl !== undefined)
        : describe(pipeline),
    ),
    ...present({ targetUrl: publicUrl && `${publicUrl}/pipelines/${id}` }),
  }
}

function isAwaitedOf({ approval }: PipelineView): boolean {
  return approval?.status === 'needed' && approval.since !== undefined
}

/** Says who has to do what, and where: people look for a button at the forge, which has none. */
function describeAwaited(
  { number, repositoryName, approval }: PipelineView,
  hasPage: boolean,
): string {
  const isForRun = approval?.status === 'needed' && approval.for === 'run'
  const what = isForRun ? 'waits for approval' : 'waits for its secrets to be approved'
  const how = hasPage
    ? 'a member of Narwhal does that on its page, by this link'
    : `a member does that by \`narwhal pipeline approve ${repositoryName}#${number}\``
  return `pipeline ${number} ${what}: ${how}`
}

function describe({
  number,
  status,
  outcome,
  reason,
  target,
  startedAt,
  finishedAt,
}: PipelineView): string {
  const what = `pipeline ${number}`
  if (status === 'pending') return `${what} waits to be planned`
  if (status === 'running') return `${what} runs`
  if (target?.isShort && (outcome === 'success' || outcome === 'skipped')) {
    return `${what}: ${shortfall(target, reason)}`
  }
  if (outcome === 'success' && startedAt !== undefined && finishedAt !== undefined) {
    return `${what} succeeded in ${seconds(finishedAt - startedAt)}`
  }
  if (outcome === 'skipped' && reason !== undefined) return `${what} skipped: ${reason}`
  return `${what}: ${outcome ?? 'error'}${reason === undefined ? '' : `, ${reason}`}`
}

/** What a stranger's pipeline has not proven, though it succeeded by its own file. */
function shortfall(
  { missing, failed }: NonNullable<PipelineView['target']>,
  reason: string | undefined,
): string {
  const list = (names: readonly string[]) => `job ${names.join(', ')}`
  if (missing.length > 0) return `missing: ${list(missing)}`
  if (failed.length > 0) return `${list(failed)} failed, which only its own file allows`
  return `nothing was run, so nothing is shown${reason === undefined ? '' : `: ${reason}`}`
}

function seconds(ms: number): string {
  const all = Math.max(1, Math.round(ms / 1000))
  return all < 60 ? `${all} s` : `${Math.floor(all / 60)} min ${all % 60} s`
}

/** Reasons contain names from narwhal.yml: hostile text. */
function oneLine(text: string): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  if (clean.length <= LONGEST_DESCRIPTION) return clean
  // Don't cut a surrogate pair in half.
  return `${clean.slice(0, LONGEST_DESCRIPTION - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
