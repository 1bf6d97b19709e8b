import type { AttemptMessage } from '../../contract/rpc/attempt-messages.ts'
import type { AttemptRequest } from '../../contract/rpc/attempt-requests.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { Wake } from '../../lib/wake.ts'
import type { KnownAttempt } from '../attempt/known-attempt.ts'
import type { Reader } from '../attempt/reader-slot.ts'
import { leaseTimes } from '../lease/lease.ts'
import type { Runner } from '../runner.ts'

/**
 * One stream about one attempt: starts or resumes it, sends its events, renews its lease by heartbeats,
 * and handles further requests. Ends when all is acknowledged, or when the requests have ended and
 * `finished` is sent; if the stream breaks, the attempt continues. Throws `stale` when another stream
 * takes over, the signal's reason, and `unavailable` when the runner shuts down or can't read its disk.
 */
export async function* streamAttempt(
  runner: Runner,
  requests: AsyncIterable<AttemptRequest | undefined>,
  signal: AbortSignal,
): AsyncGenerator<AttemptMessage, void, undefined> {
  const messages = requests[Symbol.asyncIterator]()
  const first = await messages.next()
  const opening = first.done ? undefined : first.value
  if (opening?.type !== 'start' && opening?.type !== 'resume') {
    throw new NarwhalError('invalid', 'the first message of RunAttempt must be `start`')
  }
  const attempt = open(runner, opening)
  const wake = new Wake()
  const reader = attempt.readerSlot.enter(wake)
  const end = AbortSignal.any([signal, runner.ended])
  const leave = () => attempt.readerSlot.leave(reader)
  // A stream that broke while its buffer was full may never be read again.
  end.addEventListener('abort', leave)
  if (end.aborted) leave()
  try {
    let requestsEnded = false
    void listen(runner, { attempt, reader, messages }).finally(() => {
      requestsEnded = true
      wake.wake()
    })
    let sent = opening.type === 'resume' ? opening.afterSeq : 0
    runner.acknowledge(attempt, sent)
    let heartbeatAt = -Infinity
    let asked = 0
    for (;;) {
      end.throwIfAborted()
      if (reader.end) throw reader.end
      const now = performance.now()
      if (now >= heartbeatAt) {
        // Before the events: however many there are, the lease must be renewed in time.
        heartbeatAt = now + attempt.leaseTimes.heartbeatMs
        yield { type: 'heartbeat', at: Date.now(), sentMs: attempt.askForLease() }
        continue
      }
      const wanted = attempt.idTokenDesk?.open
      if (wanted && wanted.ask !== asked) {
        asked = wanted.ask
        const ask = { ask: wanted.ask, names: wanted.names }
        yield { type: 'ask', at: Date.now(), ask }
        continue
      }
      const found = attempt.events.next(sent)
      const next = found instanceof Promise ? await found : found
      if (next) {
        sent = next.seq
        yield { type: 'event', event: next }
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

function open(
  runner: Runner,
  opening: Extract<AttemptRequest, { type: 'start' | 'resume' }>,
): KnownAttempt {
  const { fence, leaseMs } = opening.lease
  const grant = { fence, times: leaseTimes(leaseMs) }
  if (opening.type === 'resume') return runner.resume(opening.ref, grant)
  return runner.start(opening.order, grant)
}

interface Conversation {
  readonly attempt: KnownAttempt
  readonly reader: Reader
  readonly messages: AsyncIterator<AttemptRequest | undefined>
}

/** Handles requests until there are no more; a broken stream is a normal end. */
async function listen(runner: Runner, { attempt, reader, messages }: Conversation): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await messages.next()
      // A replaced reader must have no effect.
      if (done || reader.end) return
      if (value?.type === 'acknowledge') {
        const { throughSeq, leaseSentMs } = value
        if (leaseSentMs !== undefined) attempt.confirmLease(leaseSentMs)
        runner.acknowledge(attempt, throughSeq)
      } else if (value?.type === 'id_tokens') {
        attempt.idTokenDesk?.answer(value.answer)
      } else if (value?.type === 'cancel') {
        const { reason, endsCleanup } = value
        const end = { outcome: 'cancelled', reason: reason || 'cancelled' } as const
        attempt.stop(end, endsCleanup ? 'now' : 'gently')
      }
    }
  } catch {
    // The dispatcher is unreachable; it, or another one, will send `resume`.
  }
}
