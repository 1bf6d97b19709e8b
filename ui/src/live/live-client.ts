import { SIGNED_OUT_CODE } from '../../../src/contract/live/close-code.ts'
import type { LiveEvent } from '../../../src/contract/live/live-event.ts'
import type { LiveResponse, LiveTopic } from '../../../src/contract/live/live-protocol.ts'
import {
  type LiveEffect,
  type LiveStep,
  NO_SESSION,
  receive,
  reconnected,
  subscribe,
  unsubscribe,
} from '../../../src/contract/live/live-session.ts'

export type LiveState = 'connecting' | 'online' | 'offline'

export interface LiveHandlers {
  readonly onEvent: (event: LiveEvent) => void
  /** Everything missed so far has been received. */
  readonly onReady?: () => void
  /** Too much was missed to be resent: read the current state again. */
  readonly onReset?: () => void
  /** A log is complete. */
  readonly onEnd?: () => void
  readonly onError?: (message: string) => void
}

/** The part of a browser's WebSocket that is used; tests pass their own. */
export interface SocketLike {
  onopen: (() => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number }) => void) | null
  send(text: string): void
  close(): void
}

export interface LiveClientDeps {
  readonly open: () => SocketLike
  /** Calls back later; returns how to cancel that. */
  readonly later: (callback: () => void, delayMs: number) => () => void
  readonly random: () => number
  /** Called when the server says that the session is no longer valid. */
  readonly onSignedOut?: () => void
  /** Whether it waits for `start` before connecting; false by default. */
  readonly isWaiting?: boolean
}

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 10_000

/**
 * One websocket for the whole page. It reconnects automatically with exponential back-off, and each
 * subscription resumes after its last event. It connects on the first subscription or watcher.
 */
export class LiveClient {
  readonly #deps: LiveClientDeps
  readonly #handlers = new Map<string, LiveHandlers>()
  readonly #watchers = new Set<() => void>()
  #state: LiveState = 'connecting'
  #socket: SocketLike | undefined
  #failures = 0
  #cancelRetry: (() => void) | undefined
  #session = NO_SESSION
  #isWaiting: boolean

  constructor(deps: LiveClientDeps) {
    this.#deps = deps
    this.#isWaiting = deps.isWaiting ?? false
  }

  get state(): LiveState {
    return this.#state
  }

  /** Calls the watcher after each change of `state`; returns how to stop. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    this.#connect()
    return () => void this.#watchers.delete(watcher)
  }

  /** `after` as in the protocol: the number of the last event the page has. Returns how to stop. */
  subscribe(topic: LiveTopic, after: number | undefined, handlers: LiveHandlers): () => void {
    const [session, effects] = subscribe(this.#session, topic, after)
    const id = String(session.lastId)
    this.#handlers.set(id, handlers)
    this.#take([session, effects])
    if (this.#state !== 'online') this.#connect()
    return () => {
      this.#handlers.delete(id)
      this.#take(unsubscribe(this.#session, id))
    }
  }

  /** Allows connecting: the user is signed in. */
  start(): void {
    this.#isWaiting = false
    if (this.#watchers.size + this.#handlers.size > 0) this.#connect()
  }

  /** Reconnects at once instead of waiting: the network is back, or the page is visible again. */
  retryNow(): void {
    if (!this.#cancelRetry) return
    this.#cancelRetry()
    this.#cancelRetry = undefined
    this.#connect()
  }

  #connect(): void {
    if (this.#isWaiting || this.#socket || this.#cancelRetry) return
    const socket = this.#deps.open()
    this.#socket = socket
    socket.onopen = () => {
      this.#failures = 0
      this.#become('online')
      this.#take(reconnected(this.#session))
    }
    socket.onmessage = ({ data }) => {
      this.#take(receive(this.#session, JSON.parse(String(data)) as LiveResponse))
    }
    socket.onclose = ({ code }) => {
      this.#socket = undefined
      this.#become('offline')
      if (code === SIGNED_OUT_CODE) this.#deps.onSignedOut?.()
      const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures++)
      const delay = ceiling / 2 + (this.#deps.random() * ceiling) / 2
      this.#cancelRetry = this.#deps.later(() => {
        this.#cancelRetry = undefined
        this.#connect()
      }, delay)
    }
  }

  #take([session, effects]: LiveStep): void {
    this.#session = session
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: LiveEffect): void {
    // What can't be sent now is requested by the next connection.
    if (effect.type === 'send') {
      if (this.#state === 'online') this.#socket?.send(JSON.stringify(effect.request))
      return
    }
    const { id = '' } = effect
    const handlers = this.#handlers.get(id)
    switch (effect.type) {
      case 'event':
        return handlers?.onEvent(effect.event)
      case 'ready':
        return handlers?.onReady?.()
      case 'reset':
        return handlers?.onReset?.()
      case 'end':
        this.#handlers.delete(id)
        return handlers?.onEnd?.()
      case 'refused':
        this.#handlers.delete(id)
        return handlers?.onError?.(effect.message)
    }
  }

  #become(state: LiveState): void {
    if (this.#state === state) return
    this.#state = state
    for (const watcher of this.#watchers) watcher()
  }
}
