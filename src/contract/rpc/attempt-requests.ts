import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { LEAST_LOG_BYTES, LOG_BYTES } from '../../core/attempt/log-limit.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import {
  type CancelAttempt,
  type RunAttemptRequest,
  RunAttemptRequestSchema,
  type StartAttempt,
} from '../gen/narwhal/v1/runner_pb.js'
import { jobFromJson, jobToJson } from '../plan/plan-json.ts'
import {
  attemptRefFromProto,
  type CommitSource,
  commitFromProto,
  commitToProto,
} from './attempt.ts'

/** Messages from the dispatcher on the stream of an attempt. */

export interface AttemptOrder extends AttemptRef {
  readonly commit: CommitSource
  readonly job: JobSpec
  /** Variables added by the dispatcher; the job and its steps may override them. */
  readonly env: Readonly<Record<string, string>>
  /** The values of its secrets by variable; kept in memory only, and never part of an event. */
  readonly secrets: Readonly<Record<string, string>>
  /** The variables of secrets that are not masked in logs. */
  readonly notMasked?: readonly string[]
  /** The first lines of its log. */
  readonly notes?: readonly string[]
  /** Optional id tokens that it doesn't get, with the reason; they are not in the job's own. */
  readonly withheldIdTokens?: Readonly<Record<string, string>>
  /** Milliseconds until the attempt ends in `timeout`; 0: never. */
  readonly timeoutMs: number
  /**
   * How long the steps that always run may take in all after a cancel or the timeout, in milliseconds; 0: they are
   * not run then.
   */
  readonly cleanupMs: number
  /** The limit of its log, in bytes of text; at least LEAST_LOG_BYTES. */
  readonly logBytes: number
}

/** The terms under which a runner has an attempt. */
export interface LeaseTerms {
  /** The fencing token, incremented with every assignment. */
  readonly fence: number
  /** How long the lease lasts after an answered heartbeat; 0: the default. */
  readonly leaseMs: number
}

export interface NamedIdToken {
  readonly name: string
  readonly token: string
  /** How long it is valid from now on, in milliseconds. */
  readonly lifetimeMs: number
}

/** The answer to a request for id tokens: tokens, or why there are none. */
export type IdTokenAnswer = { readonly ask: number } & (
  | { readonly tokens: readonly NamedIdToken[] }
  | { readonly trouble: string }
)

export type AttemptRequest =
  | { readonly type: 'start'; readonly order: AttemptOrder; readonly lease: LeaseTerms }
  /** Resumes a started attempt, whose events up to `afterSeq` are stored. */
  | {
      readonly type: 'resume'
      readonly ref: AttemptRef
      readonly lease: LeaseTerms
      readonly afterSeq: number
    }
  | {
      readonly type: 'acknowledge'
      /** All events up to this number are stored. */
      readonly throughSeq: number
      /** The time of the heartbeat that is answered, if the lease is renewed. */
      readonly leaseSentMs?: number
    }
  /** `endsCleanup`: also ends the steps that run after a cancel. */
  | { readonly type: 'cancel'; readonly reason: string; readonly endsCleanup?: true }
  | { readonly type: 'id_tokens'; readonly answer: IdTokenAnswer }

export function requestToProto(request: AttemptRequest): RunAttemptRequest {
  return create(RunAttemptRequestSchema, { request: caseOf(request) })
}

/**
 * Undefined: a kind that only newer dispatchers know. Throws `invalid` if a part is malformed: its contents
 * reach git, paths and sandboxes.
 */
export function requestFromProto({ request }: RunAttemptRequest): AttemptRequest | undefined {
  switch (request.case) {
    case 'start':
      return startFromProto(request.value)
    case 'acknowledge': {
      const { throughSeq, leaseSentMs } = request.value
      const lease = leaseSentMs === undefined ? {} : { leaseSentMs: Number(leaseSentMs) }
      return { type: 'acknowledge', throughSeq: Number(throughSeq), ...lease }
    }
    case 'cancel':
      return cancelFromProto(request.value)
    case 'idTokens': {
      const { ask, tokens, trouble } = request.value
      const answer = trouble === '' ? { ask, tokens: tokens.map(tokenFromProto) } : { ask, trouble }
      return { type: 'id_tokens', answer }
    }
    case undefined:
      return undefined
  }
}

type RequestCase = NonNullable<MessageInitShape<typeof RunAttemptRequestSchema>['request']>

function caseOf(request: AttemptRequest): RequestCase {
  switch (request.type) {
    case 'start': {
      const { order, lease } = request
      const value = {
        jobId: order.jobId,
        attempt: order.attempt,
        ...leaseToProto(lease),
        commit: commitToProto(order.commit),
        job: jobToJson(order.job),
        env: { ...order.env },
        secrets: { ...order.secrets },
        notMasked: [...(order.notMasked ?? [])],
        notes: [...(order.notes ?? [])],
        withheldIdTokens: { ...order.withheldIdTokens },
        timeoutMs: BigInt(order.timeoutMs),
        cleanupMs: BigInt(order.cleanupMs),
        logBytes: BigInt(order.logBytes),
      }
      return { case: 'start', value }
    }
    case 'resume': {
      const { ref, lease, afterSeq } = request
      const more = { resume: true, afterSeq: BigInt(afterSeq) }
      return { case: 'start', value: { ...ref, ...leaseToProto(lease), ...more } }
    }
    case 'acknowledge': {
      const { throughSeq, leaseSentMs } = request
      const lease = leaseSentMs === undefined ? {} : { leaseSentMs: BigInt(leaseSentMs) }
      return { case: 'acknowledge', value: { throughSeq: BigInt(throughSeq), ...lease } }
    }
    case 'cancel': {
      const { reason, endsCleanup = false } = request
      return { case: 'cancel', value: { reason, endsCleanup } }
    }
    case 'id_tokens': {
      const { answer } = request
      const value =
        'tokens' in answer
          ? { ...answer, tokens: answer.tokens.map((one) => ({ ...one })) }
          : answer
      return { case: 'idTokens', value }
    }
  }
}

const leaseToProto = ({ fence, leaseMs }: LeaseTerms) => ({ fence: BigInt(fence), leaseMs })

const tokenFromProto = ({ name, token, lifetimeMs }: NamedIdToken): NamedIdToken => ({
  name,
  token,
  lifetimeMs,
})

function startFromProto(start: StartAttempt): AttemptRequest {
  const ref = attemptRefFromProto(start)
  const lease = { fence: Number(start.fence), leaseMs: start.leaseMs }
  if (start.resume) return { type: 'resume', ref, lease, afterSeq: Number(start.afterSeq) }
  const order: AttemptOrder = {
    ...ref,
    commit: commitFromProto(start.commit),
    job: jobFromJson(start.job),
    env: start.env,
    secrets: start.secrets,
    notMasked: start.notMasked,
    notes: start.notes,
    withheldIdTokens: start.withheldIdTokens,
    timeoutMs: Number(start.timeoutMs),
    cleanupMs: Number(start.cleanupMs),
    // A dispatcher of an earlier version doesn't send it.
    logBytes: Math.max(LEAST_LOG_BYTES, Number(start.logBytes) || LOG_BYTES),
  }
  return { type: 'start', order, lease }
}

function cancelFromProto({ reason, endsCleanup }: CancelAttempt): AttemptRequest {
  return { type: 'cancel', reason, ...(endsCleanup && { endsCleanup: true as const }) }
}
