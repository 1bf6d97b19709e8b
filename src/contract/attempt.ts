import type { MessageInitShape } from '@bufbuild/protobuf'
import { isRef, isSha } from '../core/commit-event.ts'
import type { RepositoryId } from '../core/ids.ts'
import type { ImageRun } from '../core/image-run.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Outputs } from '../core/outputs.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Commit, RunAttemptResponseSchema } from './gen/narwhal/v1/runner_pb.js'
import type { LogChunk } from './log-chunk.ts'
import {
  type AttemptFault,
  chunkToProto,
  faultToProto,
  outcomeToProto,
  phaseToProto,
  type RunnerPhase,
} from './rpc.ts'
import { repositoryId } from './views.ts'

/** What travels about one attempt: the commit to the runner, and the runner's events back. */

/** A commit and where to fetch it from, out of the repository's record. */
export interface CommitSource {
  readonly repositoryId: RepositoryId
  /** `owner/name`, for people. */
  readonly repositoryName: string
  readonly cloneUrl: string
  readonly ref: string
  readonly sha: string
  /** It may be a stranger's: what it names is not fetched with the runner's own keys. */
  readonly isStranger?: boolean
}

/** What a runner tells of an attempt. Steps count from 0. */
export type AttemptEvent =
  | { readonly type: 'started'; readonly instanceId: string }
  | {
      readonly type: 'phase'
      readonly phase: RunnerPhase
      readonly durationMs: number
      /** Of the sandbox. */
      readonly images?: readonly ImageRun[]
    }
  | { readonly type: 'step_started'; readonly step: number }
  | { readonly type: 'log'; readonly chunk: LogChunk }
  | {
      readonly type: 'step_finished'
      readonly step: number
      readonly outcome: Outcome
      readonly exitCode?: number
      readonly reason?: string
    }
  /** The last event of every attempt. */
  | {
      readonly type: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      /** Set where the end says nothing about the job. */
      readonly fault?: AttemptFault
      /** What the job tells the jobs that need it. */
      readonly outputs?: Outputs
    }

/** An event in its place: numbers grow by one from 1; the time is the runner's, epoch milliseconds. */
export interface NumberedEvent {
  readonly seq: number
  readonly at: number
  readonly event: AttemptEvent
}

/** Throws `invalid` when a part can't be right: ids, refs and object names reach git and paths. */
export function commitFromProto(commit: Commit | undefined): CommitSource {
  if (commit === undefined) throw new NarwhalError('invalid', 'the request names no commit')
  const id = repositoryId.safeParse(commit.repositoryId)
  const wrong = (what: string, value: string) =>
    new NarwhalError('invalid', `${what} can't be ${JSON.stringify(value.slice(0, 200))}`)
  if (!id.success) throw wrong("a repository's id", commit.repositoryId)
  if (!isSha(commit.sha)) throw wrong("a commit's name", commit.sha)
  if (!isRef(commit.ref)) throw wrong("a ref's name", commit.ref)
  const { repositoryName, cloneUrl, ref, sha, isStranger } = commit
  return { repositoryId: id.data, repositoryName, cloneUrl, ref, sha, isStranger }
}

export function eventToProto({
  seq,
  at,
  event,
}: NumberedEvent): MessageInitShape<typeof RunAttemptResponseSchema> {
  return { seq: BigInt(seq), atMs: BigInt(at), event: oneof(event) }
}

type EventCase = NonNullable<MessageInitShape<typeof RunAttemptResponseSchema>['event']>

function oneof(event: AttemptEvent): EventCase {
  switch (event.type) {
    case 'started':
      return { case: 'started', value: { instanceId: event.instanceId } }
    case 'phase': {
      const { durationMs, images = [] } = event
      const phase = phaseToProto(event.phase)
      return { case: 'phase', value: { phase, durationMs, images: [...images] } }
    }
    case 'step_started':
      return { case: 'stepStarted', value: { step: event.step } }
    case 'log':
      return { case: 'log', value: chunkToProto(event.chunk) }
    case 'step_finished': {
      const { step, exitCode, reason = '' } = event
      const outcome = outcomeToProto(event.outcome)
      const code = exitCode === undefined ? {} : { exitCode }
      return { case: 'stepFinished', value: { step, outcome, reason, ...code } }
    }
    case 'finished': {
      const { reason = '', outputs } = event
      const outcome = outcomeToProto(event.outcome)
      const fault = faultToProto(event.fault)
      return { case: 'finished', value: { outcome, reason, fault, outputs: { ...outputs } } }
    }
  }
}
