import type { CommitEvent } from '../../core/commit-event.ts'
import type { Job } from '../../core/job/job.ts'
import { advancePipeline, type PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { type Approval, isApproved } from '../../core/pipeline/approval.ts'
import { planDigest } from '../pipelines/plan-digest.ts'
import type { PipelineLedger } from './pipeline-ledger.ts'

/** Why a job can't have a secret or an id token. */
export interface Refusal {
  /** A message such as "it can't have the id token AWS". */
  readonly reason: string
  /** Whether an approval of the pipeline would help. */
  readonly needsApproval: boolean
}

/** What to do if an approval would help; the end of a `reason`. */
export function approvalAdvice({ pipelineId }: Pick<Job, 'pipelineId'>): string {
  return `look at what it would run, then approve it with \`narwhal pipeline approve ${pipelineId}\``
}

/** Ends a job that waits for a runner, unless it has been approved meanwhile. */
export async function barJob(
  ledger: PipelineLedger,
  job: Job,
  { reason, needsApproval }: Refusal,
): Promise<void> {
  const at = Date.now()
  const mayNow = (trust: CommitEvent['trust'], approval: Approval | undefined): boolean =>
    needsApproval && isApproved(trust, approval)
  await ledger.change((draft) =>
    mayNow(ledger.event.trust, draft.pipeline.approval)
      ? draft
      : bar(draft, job, { reason, needsApproval, at }),
  )
}

function bar(
  draft: PipelineDraft,
  { id }: Job,
  { reason, needsApproval, at }: { reason: string; needsApproval: boolean; at: number },
): PipelineDraft {
  const barred = advancePipeline(draft, [{ jobId: id, event: { type: 'barred', reason, at } }], at)
  if (barred === draft || !needsApproval) return barred
  const { pipeline, jobs } = barred
  const { included = [] } = pipeline
  const plan = planDigest({ jobs: jobs.map(({ spec }) => spec), included })
  return { jobs, pipeline: { ...pipeline, approval: { status: 'needed', since: at, plan } } }
}
