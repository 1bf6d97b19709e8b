import type { CommitEvent } from '../../core/commit-event.ts'
import type { Forge } from '../../core/forges.ts'
import type { IdTokenSpec } from '../../core/id-token/id-token.ts'
import type { JobId, PipelineId, RepositoryId } from '../../core/ids.ts'
import type { IncludedSource } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import { subjectOf } from './subject.ts'

/** The facts about a job that its id token can state. */
export interface TokenFacts {
  readonly repository: {
    readonly id: RepositoryId
    readonly name: string
    readonly forge: Forge
    readonly forgeId?: number
    readonly forgeOwnerId?: number
    readonly cloneUrl: string
  }
  /** As returned by `subjectIdsOf` when the repository's first token was issued. */
  readonly ids: string
  readonly event: Pick<CommitEvent, 'kind' | 'ref' | 'sha'>
  readonly stranger: boolean
  readonly pipeline: {
    readonly id: PipelineId
    readonly number: number
    readonly included?: readonly IncludedSource[]
  }
  readonly job: { readonly id: JobId; readonly name: string; readonly attempt: number }
  readonly runner: { readonly name: string; readonly link: string }
}

/**
 * The claims of a token, except its times. **Claims may be added, but none may ever change**: third parties'
 * policies match them; test/security/id-token-claims.json records them. Unknown ones are absent.
 */
export function claimsOf(
  { repository, ids, event, stranger, pipeline, job, runner }: TokenFacts,
  { audience, subject }: IdTokenSpec,
) {
  const { forgeId, forgeOwnerId, name } = repository
  const owner = name.replace(/\/?[^/]*$/, '')
  const host = hostOf(repository.cloneUrl)
  const fileJob = nameInFile(job.name)
  const included = (pipeline.included ?? []).filter(({ source }) => source.includes('@'))
  return {
    sub: subjectOf({
      repository: name,
      ids,
      ref: event.ref,
      ...present({ job: subject === 'job' ? fileJob : undefined }),
    }),
    aud: typeof audience === 'string' ? audience : [...audience],
    sub_ids: ids,
    registration_id: repository.id,
    repository: name,
    ...present({ repository_id: forgeId?.toString(), owner: owner || undefined }),
    ...present({ owner_id: forgeOwnerId?.toString(), forge_host: host }),
    forge: repository.forge,
    ref: event.ref,
    ref_type: refType(event.ref),
    sha: event.sha,
    event: event.kind,
    stranger,
    pipeline_id: pipeline.id,
    pipeline_number: String(pipeline.number),
    included: included.map(({ source, sha }) => `${source}#${sha}`),
    job: fileJob,
    job_variant: job.name,
    job_id: job.id,
    attempt: String(job.attempt),
    runner: runner.name,
    runner_link: runner.link,
  }
}

export type JobClaims = ReturnType<typeof claimsOf>

/** All claims that a token can have, for the discovery document. */
export const CLAIMS: readonly (keyof JobClaims | 'iss' | 'iat' | 'nbf' | 'exp' | 'jti')[] = [
  'iss',
  'sub',
  'aud',
  'iat',
  'nbf',
  'exp',
  'jti',
  'sub_ids',
  'registration_id',
  'repository',
  'repository_id',
  'owner',
  'owner_id',
  'forge',
  'forge_host',
  'ref',
  'ref_type',
  'sha',
  'event',
  'stranger',
  'pipeline_id',
  'pipeline_number',
  'included',
  'job',
  'job_variant',
  'job_id',
  'attempt',
  'runner',
  'runner_link',
]

/** `test (20, alpine)` is `test` in the file: names there contain no spaces. */
function nameInFile(name: string): string {
  return name.split(' ', 1)[0] ?? name
}

function refType(ref: string): 'branch' | 'tag' | 'pull_request' | 'other' {
  if (ref.startsWith('refs/heads/')) return 'branch'
  if (ref.startsWith('refs/tags/')) return 'tag'
  return /^refs\/(?:pull|merge-requests)\//.test(ref) ? 'pull_request' : 'other'
}

/** The host that the repository is cloned from; undefined: this machine. */
function hostOf(cloneUrl: string): string | undefined {
  if (/^[a-z+]+:\/\//i.test(cloneUrl)) {
    return URL.canParse(cloneUrl) ? new URL(cloneUrl).host || undefined : undefined
  }
  return /^(?:[^@/:]+@)?([^/:]+):/.exec(cloneUrl)?.[1]
}
