import type { LiveSource } from '../api/live-source.ts'
import type { Broker } from '../broker/broker.ts'
import type { PublishedEvent, StateChange } from '../contract/live/live-event.ts'
import { backoff } from '../lib/async/backoff.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { StoreReader } from '../store/store.ts'

const PAGE = 500
/** An event that was lost with nothing behind it shows no hole; so the store is asked now and then. */
const LOOK_AGAIN_MS = 5_000

export interface LiveFeedDeps {
  readonly store: StoreReader
  readonly broker: Broker
  readonly log: Logger
}

/**
 * The live events of the whole installation for this process. State changes come in ascending
 * order of `seq`, each once, none left out: where the event queue leaves a hole, the store fills it.
 * Log lines and samples pass as they come; `onGap` tells when some may have been lost.
 *
 * It is either in step (what comes next is `seq + 1` and passes at once) or catching up: then
 * changes are taken from the store alone, until nothing newer was heard of.
 */
export class LiveFeed implements LiveSource, AsyncDisposable {
  readonly #deps: LiveFeedDeps
  readonly #hub: EventHub<PublishedEvent>
  readonly #gaps: EventHub<void>
  readonly #closing = new AbortController()
  readonly #parts = new AsyncDisposableStack()
  /** The number of the last change that was passed on. */
  #seq: number
  /** The largest number that was heard of. */
  #newest = 0
  /** There may be changes that nobody told of. */
  #isSuspect = false
  #catchingUp: Promise<void> | undefined

  private constructor(deps: LiveFeedDeps, seq: number) {
    const onError = (err: unknown) => deps.log.error({ err }, 'a listener of live events failed')
    this.#deps = deps
    this.#seq = seq
    this.#hub = new EventHub(onError)
    this.#gaps = new EventHub(onError)
  }

  /** Rejects with `unavailable` while the store is away; the broker may be. */
  static async open(deps: LiveFeedDeps): Promise<LiveFeed> {
    const feed = new LiveFeed(deps, await deps.store.changes.last())
    const { broker } = deps
    feed.#parts.use(await broker.subscribeEvents('#', (_topic, { event }) => feed.#hear(event)))
    feed.#parts.use(
      broker.onState((state) => {
        if (state === 'ready') feed.#suspect()
      }),
    )
    const timer = setInterval(() => feed.#lookAgain(), LOOK_AGAIN_MS)
    feed.#parts.defer(() => clearInterval(timer))
    // Between the first read and the subscription something may have happened.
    feed.#lookAgain()
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

  #hear(event: PublishedEvent): void {
    if (!('seq' in event)) {
      this.#hub.emit(event)
      return
    }
    this.#newest = Math.max(this.#newest, event.seq)
    if (event.seq === this.#seq + 1 && !this.#catchingUp) this.#pass(event)
    else if (event.seq > this.#seq) this.#catchUp()
  }

  /** Everything that was told lately may be lost. */
  #suspect(): void {
    this.#gaps.emit()
    this.#lookAgain()
  }

  #lookAgain(): void {
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

  /** Never rejects: while the store is away it tries again. */
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
        this.#deps.log.warn({ err }, "can't read state changes from the store; trying again")
        await backoff(failures++, { firstMs: 200, maxMs: 5_000 }, signal).catch(() => {})
      }
    }
    // In the same turn as the last look at #newest, so that no event falls between.
    this.#catchingUp = undefined
  }

  /** Passes a page of changes on; whether it was the last. */
  async #readPage(): Promise<boolean> {
    const { store } = this.#deps
    this.#isSuspect = false
    const heard = this.#newest
    const { changes, truncated } = await store.changes.list({ after: this.#seq, limit: PAGE })
    if (this.#closing.signal.aborted) throw new NarwhalError('cancelled', 'the feed is closed')
    for (const change of changes) this.#pass(change)
    if (truncated) {
      if (changes.length === 0) this.#seq = Math.max(this.#seq, await store.changes.last())
      // Followers see by their own numbers what they missed.
      this.#gaps.emit()
    }
    if (changes.length < PAGE) {
      // What was told is in the store, so a number past its end is of a time before a restore.
      if (heard > this.#seq && heard === this.#newest) this.#newest = this.#seq
      return true
    }
    return false
  }
}
