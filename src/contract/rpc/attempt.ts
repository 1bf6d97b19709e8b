import type { MessageInitShape } from '@bufbuild/protobuf'
import { isRef, isSha } from '../../core/commit-event.ts'
import type { AttemptRef, RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { type CloneUrl, parseCloneUrl } from '../../lib/git/git.ts'
import type { GitCredentials } from '../../lib/git/git-credentials.ts'
import { present } from '../../lib/present.ts'
import type { Commit, CommitSchema } from '../gen/narwhal/v1/runner_pb.js'
import { jobId, repositoryId } from '../rest/views.ts'
import { credentialsFromProto, credentialsToProto } from './git-credentials.ts'

/** A commit and where to fetch it from, taken from the repository's record. */
export interface CommitSource {
  readonly repositoryId: RepositoryId
  /** `owner/name`, for people. */
  readonly repositoryName: string
  readonly cloneUrl: string
  readonly ref: string
  readonly sha: string
  /** Possibly a stranger's: nothing it refers to is fetched with the runner's own keys. */
  readonly isStranger?: boolean
  /** Of the repository, for the server of its clone URL alone. Never given to a job. */
  readonly credentials?: GitCredentials
}

export function commitToProto(commit: CommitSource): MessageInitShape<typeof CommitSchema> {
  const { credentials, ...rest } = commit
  return { ...rest, ...present({ credentials: credentials && credentialsToProto(credentials) }) }
}

/** Throws `invalid` if a part is malformed: ids, refs and object names reach git and paths. */
export function commitFromProto(commit: Commit | undefined): CommitSource {
  if (commit === undefined) throw new NarwhalError('invalid', 'the request has no commit')
  const id = repositoryId.safeParse(commit.repositoryId)
  const wrong = (what: string, value: string) =>
    new NarwhalError('invalid', `${what} can't be ${JSON.stringify(value.slice(0, 200))}`)
  if (!id.success) throw wrong("a repository's id", commit.repositoryId)
  if (!isSha(commit.sha)) throw wrong("a commit's name", commit.sha)
  if (!isRef(commit.ref)) throw wrong("a ref's name", commit.ref)
  const { repositoryName, cloneUrl, ref, sha, isStranger } = commit
  const credentials = credentialsFromProto(commit.credentials)
  const facts = { repositoryName, cloneUrl, ref, sha, isStranger }
  return { repositoryId: id.data, ...facts, ...present({ credentials }) }
}

/** Where a commit is fetched from. Throws `invalid` as `parseCloneUrl` does. */
export function cloneUrlOf({
  cloneUrl,
  credentials,
}: Pick<CommitSource, 'cloneUrl' | 'credentials'>): CloneUrl {
  return { ...parseCloneUrl(cloneUrl), ...present({ credentials }) }
}

interface RefMessage {
  readonly jobId: string
  readonly attempt: number
}

/** Whether the reference is well-formed. */
export function isAttempt<Ref extends RefMessage>(ref: Ref): ref is Ref & AttemptRef {
  return jobId.safeParse(ref.jobId).success && ref.attempt >= 1
}

/** Throws `invalid` if the reference is malformed. */
export function attemptRefFromProto(ref: RefMessage): AttemptRef {
  if (isAttempt(ref)) return { jobId: ref.jobId, attempt: ref.attempt }
  throw new NarwhalError('invalid', `${ref.jobId.slice(0, 100)}/${ref.attempt} is not an attempt`)
}
