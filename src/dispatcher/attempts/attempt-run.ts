import type {
  AttemptOrder,
  AttemptRequest,
  NamedIdToken,
} from '../../contract/rpc/attempt-requests.ts'
import type { AttemptEnd } from '../../core/attempt/attempt-end.ts'
import type { ReceivedEvent } from '../../core/attempt/attempt-event.ts'
import { LEASE_MS } from '../../core/attempt/lease.ts'
import { describeLeaseEnd } from '../../core/attempt/lease-end.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { PushStream } from '../../lib/async/push-stream.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { TokenAnswers } from '../id-tokens/token-answers.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import { BatchWriter } from './batch-writer.ts'
import { clockOffset, onOurClock } from './clock-offset.ts'
import { LeaseClock } from './lease-clock.ts'

/** How long to wait for the runner's last events after a cancel. */
const LAST_EVENTS_MS = 30_000
/** How much longer than the job's timeout a runner may take to end it by itself. */
const OVERDUE_MS = 120_000
/** Events before the end are awaited by people only: so a quick job takes one write. */
const DELAY_MS = 20

/**
 * The conversation with a runner about one attempt: dispatches it, confirms its lease when asked, stores its
 * events, and acknowledges what is stored. A broken stream is resumed behind the last stored event, until the
 * lease has expired. `cancel` may be called at any time, also while there is no stream.
 *
 * No step runs before a lease of the attempt was confirmed: until then the first error ends the conversation,
 * and the job may be placed elsewhere at once.
 */
export class AttemptRun {
  readonly #link: RunnerLink
  readonly #deps: AttemptRunDeps
  readonly #signal: AbortSignal
  readonly #log: Logger
  readonly #lease: LeaseClock
  readonly #tokens: TokenAnswers | undefined
  #requests = new PushStream<AttemptRequest>()
  #cancelled: string | undefined
  /** Nothing may run on after the cancel, not even to clean up. */
  #endsCleanup = false
  #resume: boolean
  #lastSeq: number
  #clockOffsetMs: number | undefined

  constructor(deps: AttemptRunDeps) {
    this.#link = deps.link
    this.#deps = deps
    this.#resume = deps.resumeAfter !== undefined
    this.#lastSeq = deps.resumeAfter ?? 0
    this.#signal = deps.signal
    this.#log = deps.log
    const { mint } = deps
    this.#tokens =
      mint && new TokenAnswers(mint, (answer) => this.#requests.push({ type: 'id_tokens', answer }))
    this.#lease = new LeaseClock({
      leaseMs: deps.leaseMs ?? LEASE_MS,
      heldMs: this.#resume ? (deps.patienceMs ?? LEASE_MS) : undefined,
      mayConfirm: deps.mayConfirm,
    })
  }

  /** The runner may still run cleanup steps, as long as the order allows. */
  cancel(reason: string): void {
    this.#cancelled = reason
    this.#requests.push({ type: 'cancel', reason })
    this.#lease.endIn(this.#deps.order.cleanupMs + LAST_EVENTS_MS, 'not_cancelled')
  }

  /**
   * Ends at once what a cancelled attempt still does: its step, which may be given time to end, and its cleanup.
   * Returns whether it was not asked to before.
   */
  endCleanup(): boolean {
    if (this.#cancelled === undefined || this.#endsCleanup) return false
    this.#endsCleanup = true
    this.#requests.push(this.#cancellation(this.#cancelled))
    this.#lease.endIn(LAST_EVENTS_MS, 'not_cancelled')
    return true
  }

  #cancellation(reason: string): AttemptRequest {
    return { type: 'cancel', reason, ...(this.#endsCleanup && { endsCleanup: true }) }
  }

  async run(): Promise<AttemptEnd> {
    const { timeoutMs, cleanupMs } = this.#deps.order
    if (timeoutMs > 0) this.#lease.endIn(timeoutMs + cleanupMs + OVERDUE_MS, 'overdue')
    using _watching = this.#lease.watch()
    for (let failures = 0, refusals = 0; ; failures++) {
      const storedBefore = this.#lastSeq
      try {
        await this.#converse()
        return { kind: 'reported' }
      } catch (reason) {
        if (this.#signal.aborted) return { kind: 'stopped' }
        const error = NarwhalError.from(reason)
        const isFull = error.code === 'exhausted' && !this.#lease.isHeld
        if (isFull && refusals++ < this.#otherChances()) continue
        if (this.#lastSeq > storedBefore) failures = 0
        // Another stream, or a newer fence: if the pipeline is no longer ours, this throws.
        if (error.code === 'stale') await this.#deps.verify()
        const end = this.#endOf(error)
        if (end) return end
        if (failures === 0) this.#log.warn({ reason: error.message }, 'stream broken: resuming')
      }
      this.#resume = true
      const either = AbortSignal.any([this.#signal, this.#lease.over])
      await backoff(failures, { firstMs: 50, maxMs: 1_000 }, either).catch(() => undefined)
      if (this.#signal.aborted) return { kind: 'stopped' }
    }
  }

  /** Behind a balancer the next stream reaches another runner, which may have room. */
  #otherChances(): number {
    return this.#link.balanced ? 2 * this.#link.record.members : 0
  }

  /** How the attempt ends when its stream breaks; undefined: retry. */
  #endOf(error: NarwhalError): AttemptEnd | undefined {
    const { end } = this.#lease
    if (end !== undefined) {
      return { kind: end === 'overdue' ? 'overdue' : 'lost', reason: describeLeaseEnd(end) }
    }
    const wasRunning = this.#lastSeq > 0
    const reason = error.message
    // Not `refused`, after which the same runner would get it again and again: it broke the protocol.
    if (error.code === 'invalid') return { kind: 'lost', reason }
    if (!this.#lease.isHeld) return { kind: wasRunning ? 'lost' : 'refused', reason }
    if (error.code === 'not_found' && !this.#link.balanced) {
      return { kind: wasRunning ? 'lost' : 'refused', reason }
    }
    const mayPass = ['unavailable', 'cancelled', 'internal', 'exhausted', 'not_found', 'stale']
    return mayPass.includes(error.code) ? undefined : { kind: 'lost', reason }
  }

  /** One stream, from its opening to its end; resolves once `finished` is stored and acknowledged. */
  async #converse(): Promise<void> {
    this.#requests = new PushStream()
    this.#requests.push(this.#opening())
    if (this.#cancelled !== undefined) {
      this.#requests.push(this.#cancellation(this.#cancelled))
    }
    const batches = new BatchWriter<ReceivedEvent>(
      async (events) => {
        await this.#deps.store(events)
        this.#lastSeq = Math.max(this.#lastSeq, events.at(-1)?.seq ?? 0)
        this.#requests.push({ type: 'acknowledge', throughSeq: this.#lastSeq })
      },
      {
        bytesOf: ({ event }) => (event?.type === 'log' ? event.chunk.content.length : 0),
        delayMsOf: ({ event }) => (event?.type === 'finished' ? 0 : DELAY_MS),
      },
    )
    let finished = false
    const openedAt = Date.now()
    try {
      const signal = AbortSignal.any([this.#signal, this.#lease.over])
      for await (const message of this.#link.client.runAttempt(this.#requests, signal)) {
        const arrivedAt = Date.now()
        const runnerAt = message.type === 'event' ? message.event.at : message.at
        this.#clockOffsetMs ??= clockOffset(runnerAt, { openedAt, arrivedAt })
        if (message.type === 'heartbeat') {
          batches.throwFailure()
          this.#answer(message.sentMs)
          continue
        }
        if (message.type === 'ask') {
          // A cancelled attempt gets no tokens any more.
          if (this.#cancelled === undefined) this.#tokens?.take(message.ask)
          continue
        }
        const { event } = message
        // While waiting for the store nothing is received, which doesn't mean that the runner is silent.
        this.#lease.isDeaf = true
        await batches.add(onOurClock(event, this.#clockOffsetMs))
        this.#lease.isDeaf = false
        if (event.event?.type !== 'finished') continue
        await batches.flush()
        finished = true
        this.#requests.end()
      }
      await batches.flush()
      if (!finished) throw new NarwhalError('unavailable', 'the runner closed the stream early')
    } catch (error) {
      // Once `finished` is stored, it doesn't matter how the stream ends.
      if (!finished) throw error
    } finally {
      // Store what was received, however the stream ended; if that fails, it is sent again.
      await batches.flush().catch(() => undefined)
      this.#lease.isDeaf = false
      this.#requests.end()
    }
  }

  #opening(): AttemptRequest {
    const { order, fence, leaseMs = LEASE_MS } = this.#deps
    const lease = { fence, leaseMs }
    if (!this.#resume) return { type: 'start', order, lease }
    const { jobId, attempt } = order
    return { type: 'resume', ref: { jobId, attempt }, lease, afterSeq: this.#lastSeq }
  }

  /** Answers a heartbeat, and extends the lease if this dispatcher may. */
  #answer(sentMs: number): void {
    const lease = this.#lease.confirm() ? { leaseSentMs: sentMs } : {}
    this.#requests.push({ type: 'acknowledge', throughSeq: this.#lastSeq, ...lease })
  }
}

export interface AttemptRunDeps {
  readonly order: AttemptOrder
  /** The fencing token of its lease. */
  readonly fence: number
  /** How long its lease lasts after a confirmation; LEASE_MS by default. */
  readonly leaseMs?: number
  readonly link: RunnerLink
  /** Resolves when the events, with times by our own clock, are on disk. */
  readonly store: (events: readonly ReceivedEvent[]) => Promise<void>
  /** The attempt was dispatched before; events up to this one are stored. */
  readonly resumeAfter?: number
  /** How long, from now on, a lease that was confirmed before may last. */
  readonly patienceMs?: number
  /** Whether this dispatcher's own seat holds, so that it may confirm leases. */
  readonly mayConfirm: () => boolean
  /** Mints id tokens of these names; rejects with the reason as a message. Absent: the job has none. */
  readonly mint?: ((names: readonly string[]) => Promise<readonly NamedIdToken[]>) | undefined
  /** Rejects with `stale` if another dispatcher owns the pipeline. */
  readonly verify: () => Promise<void>
  readonly signal: AbortSignal
  readonly log: Logger
}
