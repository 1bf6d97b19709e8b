import type { LiveSource } from '../api/live-source.ts'
import type { Broker } from '../broker/broker.ts'
import type { PublishedEvent, StateChange } from '../contract/live/live-event.ts'
import { backoff } from '../lib/async/backoff.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Reads } from '../store/store.ts'

const PAGE = 500
/** A lost event without a following one leaves no visible gap, so the store is polled. */
const POLL_MS = 5_000

export interface LiveFeedDeps {
  readonly store: Reads<'changes'>
  readonly broker: Broker
  readonly log: Logger
}

/**
 * The live events of the whole installation for this process. State changes arrive in ascending order of
 * `seq`, without gaps or duplicates: gaps of the event queue are filled from the store. Log lines and
 * samples are passed on as received; `onGap` reports when some may have been lost.
 *
 * It is either in sync (`seq + 1` is passed on at once) or catching up: then changes are read from the
 * store only, until there is nothing newer.
 */
export class LiveFeed implements LiveSource, AsyncDisposable {
  readonly #deps: LiveFeedDeps
  readonly #hub: EventHub<PublishedEvent>
  readonly #gaps: EventHub<void>
  readonly #closing = new AbortController()
  readonly #parts = new AsyncDisposableStack()
  /** The number of the last change that was passed on. */
  #seq: number
  /** The largest number received. */
  #newest = 0
  /** There may be changes whose events were lost. */
  #isSuspect = false
  #catchingUp: Promise<void> | undefined

  private constructor(deps: LiveFeedDeps, seq: number) {
    const onError = (err: unknown) => deps.log.error({ err }, 'live event listener failed')
    this.#deps = deps
    this.#seq = seq
    this.#hub = new EventHub(onError)
    this.#gaps = new EventHub(onError)
  }

  /** Rejects with `unavailable` while the store is unavailable; the broker may be. */
  static async open(deps: LiveFeedDeps): Promise<LiveFeed> {
    const feed = new LiveFeed(deps, await deps.store.changes.last())
    const { broker } = deps
    feed.#parts.use(await broker.subscribeEvents('#', (_topic, { event }) => feed.#onEvent(event)))
    feed.#parts.use(
      broker.onState((state) => {
        if (state === 'ready') feed.#onReconnect()
      }),
    )
    const timer = setInterval(() => feed.#refresh(), POLL_MS)
    feed.#parts.defer(() => clearInterval(timer))
    // There may be changes between the first read and the subscription.
    feed.#refresh()
    return feed
  }

  /** The number of the last change that was passed on. */
  get seq(): number {
    return this.#seq
  }

  listen(listener: (event: PublishedEvent) => void): Disposable {
    return this.#hub.listen(listener)
  }

  onGap(listener: () => void): Disposable {
    return this.#gaps.listen(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#parts.disposeAsync()
    await this.#catchingUp
  }

  #onEvent(event: PublishedEvent): void {
    if (!('seq' in event)) {
      this.#hub.emit(event)
      return
    }
    this.#newest = Math.max(this.#newest, event.seq)
    if (event.seq === this.#seq + 1 && !this.#catchingUp) this.#pass(event)
    else if (event.seq > this.#seq) this.#catchUp()
  }

  /** Recent events may be lost. */
  #onReconnect(): void {
    this.#gaps.emit()
    this.#refresh()
  }

  #refresh(): void {
    this.#isSuspect = true
    this.#catchUp()
  }

  #pass(change: StateChange): void {
    if (change.seq <= this.#seq) return
    this.#seq = change.seq
    this.#hub.emit(change)
  }

  #catchUp(): void {
    if (this.#closing.signal.aborted) return
    this.#catchingUp ??= this.#readOn()
  }

  /** Never rejects: retries while the store is unavailable. */
  async #readOn(): Promise<void> {
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted; ) {
      try {
        const isWhole = await this.#readPage()
        failures = 0
        if (isWhole && this.#newest <= this.#seq && !this.#isSuspect) break
      } catch (err) {
        if (signal.aborted) break
        this.#isSuspect = true
        this.#deps.log.warn({ err }, 'reading state changes failed: retrying')
        await backoff(failures++, { firstMs: 200, maxMs: 5_000 }, signal).catch(() => {})
      }
    }
    // In the same turn as the last check of #newest, so that no event is lost in between.
    this.#catchingUp = undefined
  }

  /** Passes on a page of changes; returns whether it was the last. */
  async #readPage(): Promise<boolean> {
    const { store } = this.#deps
    this.#isSuspect = false
    const newest = this.#newest
    const { changes, truncated } = await store.changes.list({ after: this.#seq, limit: PAGE })
    if (this.#closing.signal.aborted) throw new NarwhalError('cancelled', 'the feed is closed')
    for (const change of changes) this.#pass(change)
    if (truncated) {
      if (changes.length === 0) this.#seq = Math.max(this.#seq, await store.changes.last())
      // Followers detect by their own numbers what they missed.
      this.#gaps.emit()
    }
    if (changes.length < PAGE) {
      // Published changes are in the store, so a number beyond its end is from before a restore.
      if (newest > this.#seq && newest === this.#newest) this.#newest = this.#seq
      return true
    }
    return false
  }
}
