import { currentAttempt } from '../../core/attempt/attempt-changes.ts'
import { type Doer, systemDoer } from '../../core/audit/audit.ts'
import type { JobId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { present } from '../../lib/present.ts'
import type { PipelineDetail } from '../../store/records.ts'
import type { StoreWriter } from '../../store/store.ts'
import type { GivenToJob } from '../attempts/given-to-job.ts'
import type { PipelineLedger } from './pipeline-ledger.ts'

type Of = Pick<PipelineDetail, 'event' | 'repository'> & {
  readonly pipeline: Pick<PipelineDetail['pipeline'], 'id' | 'number'>
}

/** A pipeline as the audit log names it, with the facts recorded of each. */
export function pipelineFacts({ pipeline, event, repository }: Of) {
  const subject = { id: pipeline.id, name: `${repository.name} #${pipeline.number}` }
  return { subject, facts: { repository: repository.name, ref: event.ref, sha: event.sha } }
}

/** Likewise for a job. */
export function jobFacts(of: Of, { id, spec }: Job) {
  const { subject, facts } = pipelineFacts(of)
  const { repository, sha } = facts
  return {
    subject: { id, name: `${subject.name} ${spec.name}` },
    facts: { repository, sha, pipeline: subject.id },
  }
}

/** Records who has changed a pipeline; for `ledger.change`. */
export function pipelineChanged(
  by: Doer,
  ledger: PipelineLedger,
  action: 'pipeline.cancelled' | 'pipeline.jobs_rerun' | 'pipeline.approved',
): (write: StoreWriter) => void {
  const { event, repository, draft } = ledger
  const { subject, facts } = pipelineFacts({ event, repository, pipeline: draft.pipeline })
  const { approval } = draft.pipeline
  const approved = { ...facts, author: event.author, ...present({ plan: approval?.plan }) }
  const after = action === 'pipeline.approved' ? approved : facts
  return (write) => write.audit.add(by, { action, subject, after })
}

/** Likewise for one of its jobs. */
export function jobChanged(
  by: Doer,
  ledger: PipelineLedger,
  jobId: JobId,
  action: 'job.cancelled' | 'job.rerun',
): (write: StoreWriter) => void {
  const { event, repository, draft } = ledger
  const of = { event, repository, pipeline: draft.pipeline }
  const { subject, facts } = jobFacts(of, ledger.getJob(jobId))
  return (write) => write.audit.add(by, { action, subject, after: facts })
}

/** Records who has cancelled a pipeline, or only one of its jobs. */
export function cancelled(
  by: Doer,
  ledger: PipelineLedger,
  only: JobId | undefined,
): (write: StoreWriter) => void {
  return only === undefined
    ? pipelineChanged(by, ledger, 'pipeline.cancelled')
    : jobChanged(by, ledger, only, 'job.cancelled')
}

/**
 * Records which secrets an attempt gets, which id tokens it may have, and where, in the transaction that
 * assigns it to its runner; undefined if there are none.
 */
export function givenSecrets(
  ledger: PipelineLedger,
  jobId: JobId,
  { secrets: values = {}, withheld = {} }: GivenToJob,
): ((write: StoreWriter, after: PipelineDraft) => void) | undefined {
  const { event, repository } = ledger
  const asked = Object.keys(ledger.getJob(jobId).spec.idTokens ?? {})
  const idTokens = asked.filter((name) => !Object.hasOwn(withheld, name))
  if (Object.keys(values).length === 0 && idTokens.length === 0) return undefined
  const by = systemDoer('dispatcher', 'a job was given to a runner')
  return (write, { pipeline, jobs }) => {
    const job = jobs.find(({ id }) => id === jobId)
    const attempt = job && currentAttempt(job)
    if (!attempt) return
    const { subject, facts } = jobFacts({ event, repository, pipeline }, job)
    const { number, runnerId, decision } = attempt
    const secrets = [...new Set(Object.values(job.spec.secrets ?? {}))]
    const where = { attempt: number, runner: decision.runnerName, runnerId }
    const trust = { ref: event.ref, isStranger: isStranger(event.trust) }
    const after = { ...facts, ...trust, ...where, secrets, idTokens }
    write.audit.add(by, { action: 'job.given_secrets', subject, after })
  }
}
