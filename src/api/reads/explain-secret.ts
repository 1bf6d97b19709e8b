import type { ExplainedSecret } from '../../contract/rest/rest-secrets.ts'
import type { Job } from '../../core/job/job.ts'
import { isApproved } from '../../core/pipeline/approval.ts'
import { grantsOf } from '../../core/runner/grants.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { secretTime, secretWithheld } from '../../core/secret/secret-rules.ts'
import { present } from '../../lib/present.ts'
import type { PipelineDetail, SecretRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'
import { findNearSecret } from './near-secret.ts'
import { namesOf, viewSecret } from './view-secret.ts'

/** Which jobs of a pipeline would get a secret now, and why others would not; without its value. */
export async function explainSecret(
  store: Reads<'runners' | 'secrets'>,
  detail: PipelineDetail,
  name: string,
): Promise<ExplainedSecret> {
  const { repository, jobs } = detail
  const [secret] = await store.secrets.listFor(repository.id, [name])
  const runners = await store.runners.list()
  const near = secret ? undefined : await findNearSecret(store, repository.id, name)
  const facts = { detail, name, secret, runners, now: Date.now() }
  return {
    ...present({ secret: secret && viewSecret(secret, namesOf(runners)), near }),
    jobs: jobs.map((job) => {
      const variables = Object.entries(job.spec.secrets ?? {})
        .filter(([, one]) => one === name)
        .map(([variable]) => variable)
      const refusedBecause = refusal(job, variables, facts)
      return {
        jobId: job.id,
        name: job.spec.name,
        variables,
        ...present({ refusedBecause }),
      }
    }),
  }
}

interface Facts {
  readonly detail: PipelineDetail
  readonly name: string
  readonly secret: SecretRecord | undefined
  readonly runners: readonly Runner[]
  readonly now: number
}

/** The first reason, in the order in which they are checked. */
function refusal(
  { spec }: Job,
  variables: readonly string[],
  { detail, name, secret, runners, now }: Facts,
): string | undefined {
  if (variables.length === 0) return "the job doesn't name it"
  if (spec.leftOut !== undefined) return `the job is skipped for this commit: ${spec.leftOut}`
  if (!isApproved(detail.event.trust, detail.pipeline.approval)) {
    return "the pipeline is a stranger's and not approved"
  }
  if (!secret) return 'the secret is not set'
  const time = secretTime(secret.expiresAt, now)
  if (time.status === 'over') return `it ${time.words}`
  const kept = secret.runners && [{ name, runners: secret.runners }]
  const mayHave = runners.some((one) => !secretWithheld(kept, grantsOf(one, one.allowedLabels)))
  return kept && !mayHave ? 'no registered runner may get it' : undefined
}
