import type { MessageInitShape } from '@bufbuild/protobuf'
import { commitFromProto, eventToProto } from '../contract/attempt.ts'
import type {
  RunAttemptRequest,
  RunAttemptResponseSchema,
  StartAttempt,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { jobFromProto } from '../contract/rpc.ts'
import { jobId } from '../contract/views.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Runner } from './runner.ts'
import { Wake } from './wake.ts'

type Response = MessageInitShape<typeof RunAttemptResponseSchema>

const HEARTBEAT_MS = 10_000

/**
 * One stream about one attempt: starts or resumes it, sends its events, and does what the further
 * requests say. Ends when all is acknowledged, when the requests have ended and `finished` is sent,
 * or with the stream; the attempt itself goes on without it. Throws `conflict` when another
 * stream takes over, and the signal's reason, or `unavailable` when the runner ends.
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
  const reader = attempt.attach(wake)
  const requestsEnd = { reached: false }
  void listen(runner, attempt, messages).finally(() => {
    requestsEnd.reached = true
    wake.wake()
  })
  let sent = Number(start.afterSeq)
  runner.acknowledge(attempt, sent)
  const end = AbortSignal.any([signal, runner.ended])
  for (;;) {
    end.throwIfAborted()
    if (reader.replaced) {
      throw new NarwhalError('conflict', 'another stream has taken over this attempt')
    }
    const next = attempt.events.next(sent)
    if (next) {
      sent = next.seq
      yield eventToProto(next)
    } else if (attempt.isFinished && (attempt.events.isEmpty || requestsEnd.reached)) {
      return
    } else if (!(await wake.wait(HEARTBEAT_MS, end)) && !end.aborted) {
      yield { seq: 0n, atMs: BigInt(Date.now()), event: { case: 'heartbeat', value: {} } }
    }
  }
}

function open(runner: Runner, start: StartAttempt): Attempt {
  const id = jobId.safeParse(start.jobId)
  if (!id.success || start.attempt < 1) {
    throw new NarwhalError('invalid', `${start.jobId.slice(0, 100)}/${start.attempt} is no attempt`)
  }
  const ref = { jobId: id.data, attempt: start.attempt }
  const fence = Number(start.fence)
  if (start.resume) return runner.resume(ref, fence)
  if (!start.job) throw new NarwhalError('invalid', 'the request has no job')
  const order = {
    ...ref,
    commit: commitFromProto(start.commit),
    job: jobFromProto(start.job),
    env: start.env,
    timeoutMs: Number(start.timeoutMs),
  }
  return runner.start(order, fence)
}

/** Does what the requests say until there are no more; a stream that breaks is only an end. */
async function listen(
  runner: Runner,
  attempt: Attempt,
  messages: AsyncIterator<RunAttemptRequest>,
): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await messages.next()
      if (done) return
      const { request } = value
      if (request.case === 'acknowledge') {
        runner.acknowledge(attempt, Number(request.value.throughSeq))
      } else if (request.case === 'cancel') {
        attempt.stop({ outcome: 'cancelled', reason: request.value.reason || 'cancelled' })
      }
    }
  } catch {
    // The dispatcher is away; it, or another, comes back with `resume`.
  }
}
