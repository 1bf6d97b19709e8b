import { create } from '@bufbuild/protobuf'
import {
  type Commit,
  type RunAttemptRequest,
  RunAttemptRequestSchema,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { jobToProto } from '../contract/plan-messages.ts'
import { LEASE_MS } from '../core/lease.ts'
import type { JobSpec } from '../core/plan.ts'
import type { WithheldTokens } from './id-tokens/job-id-tokens.ts'
import type { SecretValues } from './job-secrets.ts'

/** What a runner is told to do. */
export interface AttemptOrder {
  readonly jobId: string
  readonly attempt: number
  readonly fence: number
  readonly commit: Commit
  readonly job: JobSpec
  readonly env: Readonly<Record<string, string>>
  /** Told only to the runner that starts it. */
  readonly secrets: SecretValues
  /** Likewise; the job's own `idTokens` are without them. */
  readonly withheldIdTokens?: WithheldTokens
  /** Milliseconds until the attempt ends in `timeout`; 0: never. */
  readonly timeoutMs: number
  /** What its log may have, in bytes of text. */
  readonly logBytes: number
  /** How long its lease lasts after a confirmation; LEASE_MS unless told. */
  readonly leaseMs?: number
}

/** What a dispatcher says on the stream of an attempt. */

export function startRequest(
  order: AttemptOrder,
  resume: boolean,
  afterSeq: number,
): RunAttemptRequest {
  return create(RunAttemptRequestSchema, {
    request: {
      case: 'start',
      value: {
        jobId: order.jobId,
        attempt: order.attempt,
        fence: BigInt(order.fence),
        commit: order.commit,
        job: jobToProto(order.job),
        env: { ...order.env },
        // A runner that resumes has them, or has not got the attempt.
        secrets: resume ? {} : { ...order.secrets },
        withheldIdTokens: { ...order.withheldIdTokens },
        timeoutMs: BigInt(order.timeoutMs),
        logBytes: BigInt(order.logBytes),
        resume,
        afterSeq: BigInt(afterSeq),
        leaseMs: order.leaseMs ?? LEASE_MS,
      },
    },
  })
}

/** `leaseSentMs`: the runner's time of the heartbeat that is answered, if the lease is extended. */
export function acknowledgeRequest(throughSeq: number, leaseSentMs?: number): RunAttemptRequest {
  return create(RunAttemptRequestSchema, {
    request: {
      case: 'acknowledge',
      value: {
        throughSeq: BigInt(throughSeq),
        ...(leaseSentMs === undefined ? {} : { leaseSentMs: BigInt(leaseSentMs) }),
      },
    },
  })
}

export function cancelRequest(reason: string): RunAttemptRequest {
  return create(RunAttemptRequestSchema, { request: { case: 'cancel', value: { reason } } })
}
