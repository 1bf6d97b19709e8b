import type { WebSocket } from 'ws'
import { checkTopic, type Scope } from '../api/auth/scope.ts'
import { type LiveRequest, liveRequest } from '../contract/live/live-protocol.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { StoreReader } from '../store/store.ts'
import type { LiveFeed } from './live-feed.ts'
import { runSubscription } from './live-subscription.ts'
import { type SocketRoom, SocketWriter } from './socket-writer.ts'

const MAX_SUBSCRIPTIONS = 100
/** Including ended ones that have not stopped yet. */
const MAX_RUNNING = 2 * MAX_SUBSCRIPTIONS
/** After this many invalid messages the client is disconnected. */
const MAX_MISTAKES = 10
/** Close codes of RFC 6455. */
const POLICY_VIOLATION = 1008

export interface LiveConnectionDeps {
  readonly store: StoreReader
  readonly feed: LiveFeed
  readonly log: Logger
  /** Shared by all sockets. */
  readonly room: SocketRoom
  /** The repositories that the client is limited to. */
  readonly scope?: Scope
}

/** One client's WebSocket with its subscriptions, which end when it closes. */
export class LiveConnection implements Disposable {
  readonly #socket: WebSocket
  readonly #deps: LiveConnectionDeps
  readonly #writer: SocketWriter
  readonly #subscriptions = new Map<string, AbortController>()
  #running = 0
  #mistakes = 0

  constructor(socket: WebSocket, deps: LiveConnectionDeps) {
    this.#socket = socket
    this.#deps = deps
    this.#writer = new SocketWriter(socket, deps.room)
  }

  receive(text: string): void {
    const request = parseRequest(text)
    if (request instanceof NarwhalError) this.#refuse(request)
    else if (request.type === 'subscribe') this.#subscribe(request)
    else this.#unsubscribe(request.id)
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions.values()) subscription.abort()
    this.#subscriptions.clear()
  }

  #subscribe({ id, topic, after }: Extract<LiveRequest, { type: 'subscribe' }>): void {
    if (this.#subscriptions.has(id)) {
      this.#refuse(new NarwhalError('conflict', `"${id}" is already subscribed`), id)
      return
    }
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS || this.#running >= MAX_RUNNING) {
      const message = `a connection can have at most ${MAX_SUBSCRIPTIONS} subscriptions: end one first`
      this.#refuse(new NarwhalError('exhausted', message), id)
      return
    }
    const subscription = new AbortController()
    this.#subscriptions.set(id, subscription)
    this.#running++
    const { signal } = subscription
    const { store, feed, log, scope } = this.#deps
    const parts = { store, feed, writer: this.#writer, id, after, signal }
    checkTopic(store, scope, topic)
      .then(() => runSubscription(topic, parts))
      .catch((reason: unknown) => {
        const error = NarwhalError.from(reason)
        if (error.code === 'internal') log.error({ err: reason }, 'live subscription failed')
        if (!signal.aborted) this.#sendError(error, id)
      })
      .finally(() => {
        this.#running--
        if (this.#subscriptions.get(id) === subscription) this.#subscriptions.delete(id)
      })
  }

  #unsubscribe(id: string): void {
    this.#subscriptions.get(id)?.abort()
    this.#subscriptions.delete(id)
  }

  #refuse(error: NarwhalError, id?: string): void {
    this.#sendError(error, id)
    this.#mistakes++
    if (this.#mistakes >= MAX_MISTAKES) {
      this.#socket.close(POLICY_VIOLATION, 'too many invalid messages')
    }
  }

  #sendError({ code, message }: NarwhalError, id?: string): void {
    const shown = code === 'internal' ? 'internal server error' : message
    this.#writer.offer({ type: 'error', ...present({ id }), code, message: shown })
  }
}

function parseRequest(text: string): LiveRequest | NarwhalError {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    return new NarwhalError('invalid', 'message is not JSON', { cause })
  }
  const parsed = liveRequest.safeParse(json)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return new NarwhalError('invalid', `invalid message: ${problems.join('; ')}`)
}
