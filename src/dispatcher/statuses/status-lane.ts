import { setTimeout as sleep } from 'node:timers/promises'
import type { PipelineId } from '../../core/ids.ts'
import { backoff } from '../../lib/async/backoff.ts'
import type { SendResult } from './send-status.ts'

/** `superseded`: nothing was left to report. */
export type ReportResult = SendResult | { readonly kind: 'superseded' }

interface Pending {
  readonly id: PipelineId
  readonly number: number
}

export interface StatusLaneOptions {
  /** Reports one pipeline's status. Never rejects. */
  readonly report: (id: PipelineId) => Promise<ReportResult>
  /** Called when the forge begins to fail (with its message), and when it accepts statuses again. */
  readonly onTrouble: (words: string | undefined) => void
  readonly signal: AbortSignal
  /** The pause after a first failure, in milliseconds; it doubles up to five minutes. */
  readonly firstPauseMs: number
}

const AT_ONCE = 4
/** Beyond that only the store knows of them. */
const MOST_PENDING = 2_000
const LONGEST_PAUSE_MS = 300_000

/**
 * The statuses that one forge gets under one token. Of each commit (`key`) at most one status is in flight
 * and one pending. The state of the pending pipeline is read when its turn comes, so a superseded state is
 * never sent. After a failure the whole lane pauses, for as long as the forge has asked for.
 */
export class StatusLane {
  readonly #options: StatusLaneOptions
  readonly #pending = new Map<string, Pending>()
  readonly #sending = new Map<string, Promise<void>>()
  #failures = 0
  #isPaused = false

  constructor(options: StatusLaneOptions) {
    this.#options = options
  }

  get pending(): number {
    return this.#pending.size
  }

  get isIdle(): boolean {
    return this.#pending.size === 0 && this.#sending.size === 0
  }

  /** Never waits. Of two pipelines of one commit the newer is reported. False: there is no room. */
  add(key: string, next: Pending): boolean {
    const known = this.#pending.get(key)
    if (!known && this.#pending.size >= MOST_PENDING) return false
    if (known && known.number > next.number) return true
    this.#pending.set(key, next)
    this.#next()
    return true
  }

  /** Resolves when nothing is in flight any more; the signal must have aborted. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending.values())
  }

  #next(): void {
    if (this.#isPaused || this.#options.signal.aborted) return
    for (const [key, pending] of this.#pending) {
      if (this.#sending.size >= AT_ONCE) return
      if (this.#sending.has(key)) continue
      this.#pending.delete(key)
      this.#sending.set(key, this.#send(key, pending))
    }
  }

  async #send(key: string, pending: Pending): Promise<void> {
    const result = await this.#options.report(pending.id)
    this.#sending.delete(key)
    if (result.kind === 'retried') {
      // Pause first: unless paused, `add` sends at once.
      void this.#pause(result.words, result.afterMs)
      this.add(key, pending)
    } else if (result.kind !== 'superseded') {
      if (this.#failures > 0) this.#options.onTrouble(undefined)
      this.#failures = 0
    }
    this.#next()
  }

  async #pause(words: string, afterMs: number | undefined): Promise<void> {
    const { signal, firstPauseMs, onTrouble } = this.#options
    if (this.#isPaused || signal.aborted) return
    this.#isPaused = true
    if (this.#failures === 0) onTrouble(words)
    const pauses = { firstMs: firstPauseMs, maxMs: LONGEST_PAUSE_MS }
    const failures = this.#failures++
    await (afterMs === undefined
      ? backoff(failures, pauses, signal)
      : sleep(afterMs, undefined, { signal })
    ).catch(() => undefined)
    this.#isPaused = false
    this.#next()
  }
}
