import { SIGNED_OUT_CODE } from '../../../src/contract/live/close-code.ts'
import type { LiveEvent } from '../../../src/contract/live/live-event.ts'
import type {
  LiveRequest,
  LiveResponse,
  LiveTopic,
} from '../../../src/contract/live/live-protocol.ts'

export type LiveState = 'connecting' | 'online' | 'offline'

export interface LiveHandlers {
  readonly onEvent: (event: LiveEvent) => void
  /** Everything missed so far has been told. */
  readonly onReady?: () => void
  /** Too much was missed to be told: read the present state again. */
  readonly onReset?: () => void
  /** A log is whole. */
  readonly onEnd?: () => void
  readonly onError?: (message: string) => void
}

/** The part of a browser's WebSocket that is used; tests give their own. */
export interface SocketLike {
  onopen: (() => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number }) => void) | null
  send(text: string): void
  close(): void
}

export interface LiveClientDeps {
  readonly open: () => SocketLike
  /** Calls back later; returns how to take that back. */
  readonly later: (callback: () => void, delayMs: number) => () => void
  readonly random: () => number
  /** Called when the server says that the token of the page is no longer valid. */
  readonly onSignedOut?: () => void
  /** Whether it waits for `start` before it connects; it does not unless told. */
  readonly isWaiting?: boolean
}

interface Subscription {
  readonly topic: LiveTopic
  readonly handlers: LiveHandlers
  /** Grows with what arrives, so that after a break the server goes on there. */
  after: number | undefined
}

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 10_000

/**
 * One websocket for the whole page. It comes back by itself, waiting longer after each failure,
 * and each subscription goes on behind the last event it had. It is open while somebody is
 * subscribed or watches its state.
 */
export class LiveClient {
  readonly #deps: LiveClientDeps
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #watchers = new Set<() => void>()
  #state: LiveState = 'connecting'
  #socket: SocketLike | undefined
  #failures = 0
  #cancelRetry: (() => void) | undefined
  #lastId = 0
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
    const id = String(++this.#lastId)
    const subscription: Subscription = { topic, after, handlers }
    this.#subscriptions.set(id, subscription)
    if (this.#state === 'online') this.#ask(id, subscription)
    else this.#connect()
    return () => {
      if (!this.#subscriptions.delete(id) || this.#state !== 'online') return
      this.#send({ type: 'unsubscribe', id })
    }
  }

  /** Connects from now on: whoever looks may do so. */
  start(): void {
    this.#isWaiting = false
    if (this.#watchers.size + this.#subscriptions.size > 0) this.#connect()
  }

  /** Tries at once instead of waiting: the network is back, or somebody looks at the page again. */
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
      for (const [id, subscription] of this.#subscriptions) this.#ask(id, subscription)
    }
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)) as LiveResponse)
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

  #ask(id: string, { topic, after }: Subscription): void {
    this.#send({ type: 'subscribe', id, topic, ...(after === undefined ? {} : { after }) })
  }

  #send(request: LiveRequest): void {
    this.#socket?.send(JSON.stringify(request))
  }

  #receive(response: LiveResponse): void {
    const id = response.id ?? ''
    const subscription = this.#subscriptions.get(id)
    // Its answer crossed with the end of the subscription.
    if (!subscription) return
    const { handlers } = subscription
    switch (response.type) {
      case 'subscribed':
        subscription.after = Math.max(subscription.after ?? -1, response.seq)
        handlers.onReady?.()
        break
      case 'event':
        subscription.after = numberOf(response.event) ?? subscription.after
        handlers.onEvent(response.event)
        break
      case 'reset':
        subscription.after = undefined
        handlers.onReset?.()
        break
      case 'end':
        this.#subscriptions.delete(id)
        handlers.onEnd?.()
        break
      case 'error':
        this.#subscriptions.delete(id)
        handlers.onError?.(response.message)
        break
    }
  }

  #become(state: LiveState): void {
    if (this.#state === state) return
    this.#state = state
    for (const watcher of this.#watchers) watcher()
  }
}

function numberOf(event: LiveEvent): number | undefined {
  if ('seq' in event) return event.seq
  return event.type === 'log.appended' ? event.lines.at(-1)?.number : undefined
}
