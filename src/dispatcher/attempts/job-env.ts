import { type CommitEvent, shortRef } from '../../core/commit-event.ts'
import type { Job } from '../../core/job/job.ts'
import { present } from '../../lib/present.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'

/**
 * The environment of every step besides its own: `CI`, and facts about the pipeline. Users' text (branch,
 * title, author) reaches steps only this way, never inside a script.
 */
export function jobEnv(
  ledger: PipelineLedger,
  job: Job,
  runnerName: string,
): Record<string, string> {
  const { event, repository } = ledger
  const { pipeline } = ledger.draft
  return {
    CI: 'true',
    NARWHAL: 'true',
    NARWHAL_REPOSITORY: repository.name,
    NARWHAL_PIPELINE_ID: pipeline.id,
    NARWHAL_PIPELINE_NUMBER: String(pipeline.number),
    NARWHAL_JOB_ID: job.id,
    NARWHAL_JOB_NAME: job.spec.name,
    NARWHAL_ATTEMPT: String(job.state.attempt),
    NARWHAL_RUNNER: runnerName,
    NARWHAL_EVENT: event.kind,
    NARWHAL_SHA: event.sha,
    NARWHAL_REF: event.ref,
    NARWHAL_REF_NAME: shortRef(event.ref),
    NARWHAL_COMMIT_TITLE: event.title,
    NARWHAL_COMMIT_AUTHOR: event.author,
    ...requestEnv(event),
  }
}

/** Unset for other events, and where the forge hasn't reported it: an empty value says that there is none. */
function requestEnv({ kind, details = {} }: CommitEvent): Record<string, string> {
  const { actions, targetBranch, request = {} } = details
  const told = present({ NARWHAL_ACTION: actions?.[0], NARWHAL_TARGET_BRANCH: targetBranch })
  if (kind !== 'pull_request') return told
  const {
    labels,
    draft,
    milestone,
    merged = actions?.includes('closed') ? undefined : false,
  } = request
  return present({
    ...told,
    NARWHAL_LABELS: labels?.join('\n'),
    NARWHAL_DRAFT: draft?.toString(),
    NARWHAL_MILESTONE: milestone,
    NARWHAL_MERGED: actions && merged?.toString(),
  })
}
