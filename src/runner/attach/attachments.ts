import type { Duplex } from 'node:stream'
import { backoff } from '../../lib/async/backoff.ts'
import type { HeartbeatOptions } from '../../lib/async/heartbeat.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import { Wake } from '../../lib/wake.ts'
import { type DispatcherSocket, dialDispatcher } from './dial-dispatcher.ts'
import {
  type DispatcherSeat,
  type KnownDispatchers,
  missingSeats,
  whereToDial,
} from './where-to-dial.ts'

export interface AttachmentsDeps {
  /** The URLs of dispatchers, or of load balancers in front of them; at least one. */
  readonly urls: readonly string[]
  readonly identity: string
  /** Serves the calls that arrive over a socket. */
  readonly serve: (socket: Duplex) => void
  /** Lists the dispatchers, as known at a URL; rejects with `unauthenticated` if it may not. */
  readonly listDispatchers: (url: string, signal: AbortSignal) => Promise<DispatcherSeat[]>
  readonly log: Logger
  readonly tls?: ClientTls | undefined
  readonly heartbeat?: HeartbeatOptions
  /** The interval of polling for new dispatchers, in milliseconds; 3,000 by default. */
  readonly pollMs?: number
}

const POLL_MS = 3_000
const LIST_TIMEOUT_MS = 5_000
const RETRY = { firstMs: 300, maxMs: 3_000 }
const MOST_KNOWN = 2
/** A socket that closes sooner counts as a failure: the next try waits longer. */
const GOOD_AFTER_MS = 10_000

/**
 * The sockets to all dispatchers. `run` dials the missing ones, every few seconds and after each loss;
 * if a dispatcher was reached twice, the newer socket replaces the older.
 */
export class Attachments {
  readonly #deps: AttachmentsDeps
  readonly #live = new Map<string, DispatcherSocket>()
  readonly #wake = new Wake()
  #failures = 0
  #wasAttached = false

  constructor(deps: AttachmentsDeps) {
    this.#deps = deps
  }

  /** The open sockets. */
  get live(): readonly DispatcherSocket[] {
    return [...this.#live.values()]
  }

  /** Whether there has ever been one. */
  get wasAttached(): boolean {
    return this.#wasAttached
  }

  /**
   * Keeps the runner attached until the abort, then closes its sockets. Rejects with
   * `unauthenticated` if a dispatcher does not know the identity: the runner was removed.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const isComplete = await this.#refresh(signal)
        if (!isComplete) this.#failures++
        else if (!(await this.#wake.wait(this.#deps.pollMs ?? POLL_MS, signal))) this.#failures = 0
        await backoff(this.#failures, RETRY, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      const open = this.live
      this.#live.clear()
      for (const socket of open) socket.close()
    }
  }

  /** Dials the missing dispatchers; resolves to whether all are attached. */
  async #refresh(signal: AbortSignal): Promise<boolean> {
    const seats = await this.#listSeats(signal)
    const urls = whereToDial(this.#known(seats))
    const found = await Promise.all(urls.map((url) => this.#dial(url, seats, signal)))
    const isLost = found.includes(false)
    if (isLost && missingSeats(this.#known(seats)).length > 0) {
      // A dispatcher's own URL may be internal: a load balancer may lead to it.
      const others = this.#deps.urls.filter((url) => !urls.includes(url))
      await Promise.all(others.map((url) => this.#dial(url, seats, signal)))
    }
    return this.#live.size > 0 && missingSeats(this.#known(seats)).length === 0
  }

  /** Dials until the URL leads to no new dispatcher; resolves to whether one answered. */
  async #dial(
    url: string,
    seats: readonly DispatcherSeat[] | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { identity, heartbeat, log, tls, urls } = this.#deps
    const options = { url, identity, tls, signal, ...(heartbeat && { heartbeat }) }
    // A load balancer may lead to a known one; after the second time the next refresh continues.
    let known = 0
    for (let tries = (seats?.length ?? 0) + MOST_KNOWN; tries > 0 && known < MOST_KNOWN; tries--) {
      const attached = [...this.#live.keys()]
      try {
        this.#adopt(await dialDispatcher({ ...options, attached }))
      } catch (reason) {
        const error = NarwhalError.from(reason)
        if (error.code === 'unauthenticated' && urls.includes(url)) throw error
        if (error.code === 'cancelled') throw error
        if (error.code !== 'conflict') {
          if (this.#failures === 0) log.warn({ url, reason: error.message }, "can't attach")
          return false
        }
        known++
      }
      if (missingSeats(this.#known(seats)).length === 0) break
    }
    return true
  }

  #adopt(socket: DispatcherSocket): void {
    const { dispatcherId: dispatcher, url } = socket
    const { log, serve } = this.#deps
    const openedAt = performance.now()
    this.#live.set(dispatcher, socket)
    this.#wasAttached = true
    serve(socket.stream)
    log.info({ dispatcher, url }, 'attached to a dispatcher')
    void socket.closed.then((reason) => {
      if (this.#live.get(dispatcher) !== socket) return
      this.#live.delete(dispatcher)
      log.warn({ dispatcher, url, reason }, 'detached from a dispatcher')
      const isGood = performance.now() - openedAt > GOOD_AFTER_MS
      this.#failures = isGood ? 0 : this.#failures + 1
      this.#wake.wake()
    })
  }

  /** The list of the first dispatcher that answers; undefined if none does. */
  async #listSeats(signal: AbortSignal): Promise<DispatcherSeat[] | undefined> {
    const { urls, listDispatchers, log } = this.#deps
    for (const url of new Set([...urls, ...this.live.map((socket) => socket.url)])) {
      try {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)])
        return await listDispatchers(url, limited)
      } catch (error) {
        if (signal.aborted) throw error
        const isRefused = NarwhalError.from(error).code === 'unauthenticated'
        if (isRefused && urls.includes(url)) throw error
        log.debug({ url, reason: describeError(error) }, "can't list the dispatchers")
      }
    }
    return undefined
  }

  #known(seats: readonly DispatcherSeat[] | undefined): KnownDispatchers {
    return { seats, attached: this.live, given: this.#deps.urls }
  }
}
