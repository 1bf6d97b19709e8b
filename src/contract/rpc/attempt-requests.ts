import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { LEAST_LOG_BYTES, LOG_BYTES } from '../../core/attempt/log-limit.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import {
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

/** What a dispatcher says on the stream of an attempt. */

/** What a runner is to run. */
export interface AttemptOrder extends AttemptRef {
  readonly commit: CommitSource
  readonly job: JobSpec
  /** What the dispatcher adds to the environment; the job and its steps may override it. */
  readonly env: Readonly<Record<string, string>>
  /** The values of its secrets, by the variables of its steps; in memory only, and in nothing it tells. */
  readonly secrets: Readonly<Record<string, string>>
  /** The variables of the secrets that logs show. */
  readonly notMasked?: readonly string[]
  /** What its log says first. */
  readonly notes?: readonly string[]
  /** The optional id tokens that it does not get, with the reason; the job's own are without them. */
  readonly withheldIdTokens?: Readonly<Record<string, string>>
  /** Milliseconds until the attempt ends in `timeout`; 0: never. */
  readonly timeoutMs: number
  /** What its log may have, in bytes of text; at least LEAST_LOG_BYTES. */
  readonly logBytes: number
}

/** Under what right a runner has an attempt. */
export interface LeaseTerms {
  /** The fencing token; it grows with every grant. */
  readonly fence: number
  /** How long the lease lasts after a heartbeat that was answered; 0: as long as is usual. */
  readonly leaseMs: number
}

export interface NamedIdToken {
  readonly name: string
  readonly token: string
  /** How long it is good from now on, in milliseconds. */
  readonly lifetimeMs: number
}

/** The answer to an ask of this number: tokens, or why there are none. */
export type IdTokenAnswer = { readonly ask: number } & (
  | { readonly tokens: readonly NamedIdToken[] }
  | { readonly trouble: string }
)

export type AttemptRequest =
  | { readonly type: 'start'; readonly order: AttemptOrder; readonly lease: LeaseTerms }
  /** Goes on with an attempt that was started before; its events up to this one are stored. */
  | {
      readonly type: 'resume'
      readonly ref: AttemptRef
      readonly lease: LeaseTerms
      readonly afterSeq: number
    }
  | {
      readonly type: 'acknowledge'
      /** All events up to this one are stored. */
      readonly throughSeq: number
      /** The moment of the heartbeat that is answered, if the lease is extended. */
      readonly leaseSentMs?: number
    }
  | { readonly type: 'cancel'; readonly reason: string }
  | { readonly type: 'id_tokens'; readonly answer: IdTokenAnswer }

export function requestToProto(request: AttemptRequest): RunAttemptRequest {
  return create(RunAttemptRequestSchema, { request: caseOf(request) })
}

/**
 * Undefined: of a kind that only newer dispatchers know. Throws `invalid` when a part can't be right:
 * what is in it reaches git, paths and sandboxes.
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
      return { type: 'cancel', reason: request.value.reason }
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
    case 'cancel':
      return { case: 'cancel', value: { reason: request.reason } }
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
    // A dispatcher of a version before says nothing.
    logBytes: Math.max(LEAST_LOG_BYTES, Number(start.logBytes) || LOG_BYTES),
  }
  return { type: 'start', order, lease }
}
