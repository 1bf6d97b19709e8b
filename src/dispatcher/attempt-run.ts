import { create } from '@bufbuild/protobuf'
import {
  type Commit,
  type RunAttemptRequest,
  RunAttemptRequestSchema,
  type RunAttemptResponse,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { jobToProto } from '../contract/rpc.ts'
import type { JobSpec } from '../core/plan.ts'
import { backoff } from '../lib/backoff.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { PushStream } from '../lib/push-stream.ts'
import { BatchWriter } from './batch-writer.ts'
import type { RunnerLink } from './runner-link.ts'

/** Without a sign of the runner for so long, the attempt is lost. The runner beats every 10 s. */
const SILENCE_MS = 25_000
/** How long a stream that broke is sought anew. */
const LOST_AFTER_MS = 15_000
/** And how often, when it breaks again and again without anything new. */
const MAX_FAILURES = 30

export interface AttemptOrder {
  readonly jobId: string
  readonly attempt: number
  readonly fence: number
  readonly commit: Commit
  readonly job: JobSpec
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** How the conversation about an attempt ended. */
export type AttemptEnd =
  /** All its events are stored. */
  | { readonly kind: 'reported' }
  /** The runner did not take it; it has not run there. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string }
  /** The dispatcher stops; the attempt goes on. */
  | { readonly kind: 'stopped' }

/**
 * The conversation with a runner about one attempt: hands it over, stores what it tells, and
 * acknowledges what is stored. When the stream breaks it is resumed behind the last event that is stored.
 * `cancel` may be called at any time, also while there is no stream.
 */
export class AttemptRun {
  readonly #order: AttemptOrder
  readonly #link: RunnerLink
  readonly #store: (events: RunAttemptResponse[], clockOffsetMs: number) => Promise<void>
  readonly #signal: AbortSignal
  readonly #log: Logger
  #requests = new PushStream<RunAttemptRequest>()
  #cancelled: string | undefined
  #resume: boolean
  #lastSeq: number
  #heardAt = Date.now()
  #clockOffsetMs: number | undefined

  constructor(deps: {
    order: AttemptOrder
    link: RunnerLink
    /** Resolves when the events are on disk. */
    store: (events: RunAttemptResponse[], clockOffsetMs: number) => Promise<void>
    /** The attempt was handed over before; events up to this one are stored. */
    resumeAfter?: number
    signal: AbortSignal
    log: Logger
  }) {
    this.#order = deps.order
    this.#link = deps.link
    this.#store = deps.store
    this.#resume = deps.resumeAfter !== undefined
    this.#lastSeq = deps.resumeAfter ?? 0
    this.#signal = deps.signal
    this.#log = deps.log
  }

  cancel(reason: string): void {
    this.#cancelled = reason
    this.#requests.push(cancelRequest(reason))
  }

  async run(): Promise<AttemptEnd> {
    for (let failures = 0, refusals = 0; ; failures++) {
      const storedBefore = this.#lastSeq
      try {
        await this.#converse()
        return { kind: 'reported' }
      } catch (reason) {
        if (this.#signal.aborted) return { kind: 'stopped' }
        const error = NarwhalError.from(reason)
        const isRefusal = error.code === 'exhausted' && this.#lastSeq === 0
        if (isRefusal && refusals++ < this.#otherChances()) continue
        if (this.#lastSeq > storedBefore) failures = 0
        const end = this.#endOf(error, failures)
        if (end) return end
        if (failures === 0) this.#log.warn({ reason: error.message }, 'stream broke; resuming')
      }
      // Whether the order has arrived is not known any more: from now on only ask for it.
      this.#resume = true
      const delay = backoff(failures, { firstMs: 100, maxMs: 2_000 }, this.#signal)
      if (
        await delay.then(
          () => false,
          () => true,
        )
      )
        return { kind: 'stopped' }
    }
  }

  /** Behind a balancer the next stream reaches another runner, which may have room. */
  #otherChances(): number {
    return this.#link.balanced ? 2 * this.#link.record.members : 0
  }

  /** What a broken stream means; undefined: try again. */
  #endOf(error: NarwhalError, failures: number): AttemptEnd | undefined {
    const reason = error.message
    const wasRunning = this.#lastSeq > 0
    const patient = Date.now() - this.#heardAt < LOST_AFTER_MS && failures < MAX_FAILURES
    // Once it runs it can't be refused any more: then a proxy, or HTTP/2 itself, has said this.
    if (error.code === 'exhausted' && !wasRunning) return { kind: 'refused', reason }
    if (error.code === 'not_found') {
      // Behind a balancer another runner may have it: ask again until the time is up.
      if (this.#link.balanced && patient) return undefined
      return { kind: wasRunning ? 'lost' : 'refused', reason }
    }
    const mayPass = ['unavailable', 'cancelled', 'internal', 'exhausted'].includes(error.code)
    return mayPass && patient ? undefined : { kind: 'lost', reason }
  }

  /** One stream, from its opening to its end; resolves once `finished` is stored and acknowledged. */
  async #converse(): Promise<void> {
    this.#requests = new PushStream()
    this.#requests.push(startRequest(this.#order, this.#resume, this.#lastSeq))
    if (this.#cancelled !== undefined) this.#requests.push(cancelRequest(this.#cancelled))
    const silence = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const expectNews = (): void => {
      clearTimeout(timer)
      const quiet = new NarwhalError('unavailable', 'the runner is silent')
      timer = setTimeout(() => silence.abort(quiet), SILENCE_MS)
    }
    const batches = new BatchWriter<RunAttemptResponse>(async (events) => {
      await this.#store(events, this.#clockOffsetMs ?? 0)
      this.#lastSeq = Math.max(this.#lastSeq, Number(events.at(-1)?.seq ?? 0))
      this.#requests.push(acknowledgeRequest(this.#lastSeq))
    })
    let finished = false
    try {
      expectNews()
      const signal = AbortSignal.any([this.#signal, silence.signal])
      for await (const message of this.#link.runAttempt(this.#requests, signal)) {
        this.#heardAt = Date.now()
        expectNews()
        if (message.seq === 0n) {
          batches.throwFailure()
          // Proxies take a side that is silent for a minute for dead: answer the heartbeat.
          this.#requests.push(acknowledgeRequest(this.#lastSeq))
          continue
        }
        this.#clockOffsetMs ??= Date.now() - Number(message.atMs)
        // While this side waits for the store it hears nothing, which is not the runner's silence.
        clearTimeout(timer)
        await batches.add(message)
        this.#heardAt = Date.now()
        expectNews()
        if (message.event.case !== 'finished') continue
        await batches.flush()
        finished = true
        this.#requests.end()
      }
      await batches.flush()
      if (!finished) throw new NarwhalError('unavailable', 'the runner closed the stream early')
    } catch (error) {
      // Once the last words are stored, how the stream ends does not matter.
      if (!finished) throw error
    } finally {
      clearTimeout(timer)
      this.#requests.end()
    }
  }
}

function startRequest(order: AttemptOrder, resume: boolean, afterSeq: number): RunAttemptRequest {
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
        timeoutMs: BigInt(order.timeoutMs),
        resume,
        afterSeq: BigInt(afterSeq),
      },
    },
  })
}

function acknowledgeRequest(throughSeq: number): RunAttemptRequest {
  return create(RunAttemptRequestSchema, {
    request: { case: 'acknowledge', value: { throughSeq: BigInt(throughSeq) } },
  })
}

function cancelRequest(reason: string): RunAttemptRequest {
  return create(RunAttemptRequestSchema, { request: { case: 'cancel', value: { reason } } })
}
