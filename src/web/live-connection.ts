import type { WebSocket } from 'ws'
import { checkTopic, type Scope } from '../api/auth/scope.ts'
import { type LiveRequest, liveRequest } from '../contract/live/live-protocol.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { StoreReader } from '../store/store.ts'
import type { LiveFeed } from './live-feed.ts'
import { runSubscription } from './live-subscription.ts'
import { type SocketRoom, SocketWriter } from './socket-writer.ts'

const MOST_SUBSCRIPTIONS = 100
/** Those that were ended count until they have stopped, so that nobody has more begun at a time. */
const MOST_RUNNING = 2 * MOST_SUBSCRIPTIONS
/** A client that goes on sending what nobody understands is cut off. */
const MOST_MISTAKES = 10
/** Close codes of RFC 6455. */
const POLICY_VIOLATION = 1008

export interface LiveConnectionDeps {
  readonly store: StoreReader
  readonly feed: LiveFeed
  readonly log: Logger
  /** Which this socket shares with the others. */
  readonly room: SocketRoom
  /** The repositories that the client is limited to. */
  readonly scope?: Scope
}

/** One client's websocket with its subscriptions; all of them end when it closes. */
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
      this.#refuse(new NarwhalError('conflict', `"${id}" is subscribed already`), id)
      return
    }
    if (this.#subscriptions.size >= MOST_SUBSCRIPTIONS || this.#running >= MOST_RUNNING) {
      const words = `a connection can have ${MOST_SUBSCRIPTIONS} subscriptions; end one first`
      this.#refuse(new NarwhalError('exhausted', words), id)
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
        if (error.code === 'internal') log.error({ err: reason }, 'a live subscription failed')
        if (!signal.aborted) this.#tell(error, id)
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
    this.#tell(error, id)
    this.#mistakes++
    if (this.#mistakes >= MOST_MISTAKES) {
      this.#socket.close(POLICY_VIOLATION, 'too many messages that make no sense')
    }
  }

  #tell(error: NarwhalError, id?: string): void {
    const isOurs = error.code === 'internal'
    const message = isOurs ? 'something went wrong here' : error.message
    this.#writer.offer({ type: 'error', ...(id ? { id } : {}), code: error.code, message })
  }
}

function parseRequest(text: string): LiveRequest | NarwhalError {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    return new NarwhalError('invalid', 'a message is not JSON', { cause })
  }
  const parsed = liveRequest.safeParse(json)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return new NarwhalError('invalid', `a message is wrong: ${problems.join('; ')}`)
}
