import type { MessageInitShape } from '@bufbuild/protobuf'
import { commitFromProto, eventToProto } from '../contract/attempt.ts'
import type {
  RunAttemptRequest,
  RunAttemptResponseSchema,
  StartAttempt,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { jobFromProto } from '../contract/plan-messages.ts'
import { jobId } from '../contract/views.ts'
import type { AttemptRef } from '../core/ids.ts'
import { LEAST_LOG_BYTES, LOG_BYTES } from '../core/log-limit.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Reader } from './audience.ts'
import type { OpenAsk } from './id-tokens/id-token-desk.ts'
import type { KnownAttempt } from './known-attempt.ts'
import { leaseTimes } from './lease.ts'
import type { Runner } from './runner.ts'
import { Wake } from './wake.ts'

type Response = MessageInitShape<typeof RunAttemptResponseSchema>

/**
 * One stream about one attempt: starts or resumes it, sends its events, asks for its lease to be
 * extended, and does what the further requests say. Ends when all is acknowledged, when the requests
 * have ended and `finished` is sent, or with the stream; the attempt itself lives on without it.
 * Throws `stale` when another stream takes over, and the signal's reason, or `unavailable` when
 * the runner ends or its disk can't be read.
 */
export async function* streamAttempt(
  runner: Runner,
  requests: AsyncIterable<RunAttemptRequest>,
  signal: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  const messages = requests[Symbol.asyncIterator]()
  const first = await messages.next()
  if (first.done || first.value.request.case !== 'start') {
    throw new NarwhalError('invalid', 'the first message of RunAttempt must be `start`')
  }
  const start = first.value.request.value
  const attempt = open(runner, start)
  const wake = new Wake()
  const reader = attempt.audience.enter(wake)
  const end = AbortSignal.any([signal, runner.ended])
  const leave = () => attempt.audience.leave(reader)
  // Of a stream that broke while it was full nobody may ask for more, ever.
  end.addEventListener('abort', leave)
  if (end.aborted) leave()
  try {
    let requestsEnded = false
    void listen(runner, { attempt, reader, messages }).finally(() => {
      requestsEnded = true
      wake.wake()
    })
    let sent = Number(start.afterSeq)
    runner.acknowledge(attempt, sent)
    let heartbeatAt = -Infinity
    let asked = 0
    for (;;) {
      end.throwIfAborted()
      if (reader.end) throw reader.end
      const now = performance.now()
      if (now >= heartbeatAt) {
        // Before the events: however many there are, the lease must not suffer.
        heartbeatAt = now + attempt.leaseTimes.heartbeatMs
        yield heartbeat(attempt.askForLease())
        continue
      }
      const wanted = attempt.idTokenDesk?.open
      if (wanted && wanted.ask !== asked) {
        asked = wanted.ask
        yield askForIdTokens(wanted)
        continue
      }
      const found = attempt.events.next(sent)
      const next = found instanceof Promise ? await found : found
      if (next) {
        sent = next.seq
        yield eventToProto(next)
      } else if (attempt.isFinished && (attempt.events.isEmpty || requestsEnded)) {
        return
      } else {
        await wake.wait(heartbeatAt - now, end)
      }
    }
  } finally {
    end.removeEventListener('abort', leave)
    leave()
  }
}

function heartbeat(sentMs: number): Response {
  const event = { case: 'heartbeat', value: { sentMs: BigInt(sentMs) } } as const
  return { seq: 0n, atMs: BigInt(Date.now()), event }
}

function askForIdTokens({ ask, names }: OpenAsk): Response {
  const value = { ask, names: [...names] }
  return { seq: 0n, atMs: BigInt(Date.now()), event: { case: 'idTokensWanted', value } }
}

function open(runner: Runner, start: StartAttempt): KnownAttempt {
  const ref = attemptRef(start)
  const grant = { fence: Number(start.fence), times: leaseTimes(start.leaseMs) }
  if (start.resume) return runner.resume(ref, grant)
  if (!start.job) throw new NarwhalError('invalid', 'the request has no job')
  const order = {
    ...ref,
    commit: commitFromProto(start.commit),
    job: jobFromProto(start.job),
    env: start.env,
    secrets: start.secrets,
    withheldIdTokens: start.withheldIdTokens,
    timeoutMs: Number(start.timeoutMs),
    // A dispatcher of a version before says nothing.
    logBytes: Math.max(LEAST_LOG_BYTES, Number(start.logBytes) || LOG_BYTES),
  }
  return runner.start(order, grant)
}

/** Which attempt a request is about; throws `invalid` when that can't be one. */
export function attemptRef(request: { jobId: string; attempt: number }): AttemptRef {
  const id = jobId.safeParse(request.jobId)
  if (!id.success || request.attempt < 1) {
    const words = `${request.jobId.slice(0, 100)}/${request.attempt} is no attempt`
    throw new NarwhalError('invalid', words)
  }
  return { jobId: id.data, attempt: request.attempt }
}

interface Conversation {
  readonly attempt: KnownAttempt
  readonly reader: Reader
  readonly messages: AsyncIterator<RunAttemptRequest>
}

/** Does what the requests say until there are no more; a stream that breaks is only an end. */
async function listen(runner: Runner, { attempt, reader, messages }: Conversation): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await messages.next()
      // Whoever was told to go has no say any more.
      if (done || reader.end) return
      const { request } = value
      if (request.case === 'acknowledge') {
        const { throughSeq, leaseSentMs } = request.value
        if (leaseSentMs !== undefined) attempt.confirmLease(Number(leaseSentMs))
        runner.acknowledge(attempt, Number(throughSeq))
      } else if (request.case === 'idTokens') {
        attempt.idTokenDesk?.answer(request.value)
      } else if (request.case === 'cancel') {
        attempt.stop({ outcome: 'cancelled', reason: request.value.reason || 'cancelled' })
      }
    }
  } catch {
    // The dispatcher is away; it, or another, comes back with `resume`.
  }
}
