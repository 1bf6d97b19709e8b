import { WebSocket } from 'ws'
import type { LiveEvent } from '../contract/live/live-event.ts'
import { type LiveTopic, liveResponse } from '../contract/live/live-protocol.ts'
import {
  type LiveEffect,
  type LiveStep,
  NO_SESSION,
  receive,
  reconnected,
  subscribe,
  unsubscribe,
} from '../contract/live/live-session.ts'
import { ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import { backoff } from '../lib/async/backoff.ts'
import { NarwhalError } from '../lib/errors.ts'
import {
  authorization,
  findProven,
  knownCode,
  type ServerAddress,
  serverUnreachable,
} from './http-client.ts'

/** The handlers of one topic, called in the order in which the server sent the messages. */
export interface LiveSubscriber {
  onEvent(event: LiveEvent): void
  /** What was missed is no longer available: read the current state by REST. */
  onReset?(): void
  /** The log is complete. */
  onEnd?(): void
}

export interface LiveClientOptions {
  readonly signal: AbortSignal
  /** Gives up after this time without a connection; one minute by default. */
  readonly patienceMs?: number
}

/** A connection without a message for two of these is dead. */
const PING_INTERVAL_MS = 15_000

/**
 * The websocket at `/api/v1/live`, with reconnection: each subscription is resumed on every new
 * connection after the last event delivered, so a subscriber misses nothing and sees nothing twice.
 * `failed` rejects when it can't continue (no connection for too long, or refused).
 */
export class LiveClient implements AsyncDisposable {
  readonly failed: Promise<never>
  readonly #address: ServerAddress
  readonly #patienceMs: number
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #subscribers = new Map<string, LiveSubscriber>()
  readonly #running: Promise<void>
  #socket: WebSocket | undefined
  #session = NO_SESSION
  /** Why the last connection failed. */
  #trouble: unknown

  constructor(address: ServerAddress, options: LiveClientOptions) {
    this.#address = address
    this.#patienceMs = options.patienceMs ?? 60_000
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    // Not an unhandled rejection if nobody awaits `failed`.
    promise.catch(() => {})
    this.#running = this.#run().catch(reject)
  }

  /** `after`: the number of the caller's last event; absent: from now on. */
  subscribe(topic: LiveTopic, after: number | undefined, subscriber: LiveSubscriber): Disposable {
    const [session, effects] = subscribe(this.#session, topic, after)
    const id = String(session.lastId)
    this.#subscribers.set(id, subscriber)
    this.#take([session, effects])
    return {
      [Symbol.dispose]: () => {
        this.#subscribers.delete(id)
        this.#take(unsubscribe(this.#session, id))
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the live connection was closed'))
    await this.#running
  }

  /** Waits for the end of each connection; ends when aborted, refused, or out of patience. */
  async #run(): Promise<void> {
    let lostAt = performance.now()
    for (let tries = 0; ; tries += 1) {
      const hasReceived = await this.#connection()
      this.#signal.throwIfAborted()
      if (hasReceived) {
        lostAt = performance.now()
        tries = 0
      }
      if (performance.now() - lostAt > this.#patienceMs) {
        throw serverUnreachable(this.#address.server, this.#trouble)
      }
      await backoff(tries, { firstMs: 50, maxMs: 3000 }, this.#signal)
    }
  }

  /** The lifetime of one connection; resolves to whether it received a message. */
  async #connection(): Promise<boolean> {
    const address = await this.#findProven()
    if (!address) return false
    const url = `${address.server.replace(/^http/, 'ws').replace(/\/+$/, '')}${urlOf(ROUTES.live)}`
    const socket = new WebSocket(url, {
      headers: authorization(address),
      handshakeTimeout: 10_000,
      maxPayload: 64 * 1024 * 1024,
      ...this.#address.tls?.options,
    })
    const { promise: closed, resolve, reject } = Promise.withResolvers<void>()
    let hasReceived = false
    let alive = true
    const pinger = setInterval(() => {
      if (!alive) return socket.terminate()
      alive = false
      if (socket.readyState === WebSocket.OPEN) socket.ping()
    }, PING_INTERVAL_MS)
    const abort = () => socket.terminate()
    this.#signal.addEventListener('abort', abort, { once: true })
    socket.on('open', () => {
      this.#socket = socket
      this.#take(reconnected(this.#session))
    })
    socket.on('pong', () => {
      alive = true
    })
    socket.on('message', (data: Buffer) => {
      hasReceived = alive = true
      try {
        this.#receive(data)
      } catch (error) {
        reject(NarwhalError.from(error))
      }
    })
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      const refused = refusal(this.#address, response.statusCode ?? 0)
      if (refused) reject(refused)
      socket.terminate()
    })
    socket.on('error', (error) => {
      // 'close' follows.
      this.#trouble = error
    })
    socket.on('close', () => resolve())
    if (this.#signal.aborted) abort()
    try {
      await closed
    } finally {
      clearInterval(pinger)
      this.#signal.removeEventListener('abort', abort)
      this.#socket = undefined
      socket.terminate()
    }
    return hasReceived
  }

  /** Undefined if unreachable. */
  async #findProven(): Promise<ServerAddress | undefined> {
    try {
      return await findProven(this.#address, this.#signal)
    } catch (error) {
      if (NarwhalError.from(error).code !== 'unavailable') throw error
      this.#trouble = error
      return undefined
    }
  }

  #receive(data: Buffer): void {
    const parsed = liveResponse.safeParse(JSON.parse(data.toString('utf8')))
    // A newer server may send events that this client doesn't know.
    if (!parsed.success) return
    this.#take(receive(this.#session, parsed.data))
  }

  #take([session, effects]: LiveStep): void {
    this.#session = session
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: LiveEffect): void {
    // What can't be sent now is requested by the next connection.
    if (effect.type === 'send') {
      if (this.#socket?.readyState === WebSocket.OPEN) {
        this.#socket.send(JSON.stringify(effect.request))
      }
      return
    }
    if (effect.type === 'refused') {
      const code = knownCode.catch('internal').parse(effect.code)
      throw new NarwhalError(code, `the live connection was refused: ${effect.message}`)
    }
    const subscriber = this.#subscribers.get(effect.id)
    switch (effect.type) {
      case 'event':
        return subscriber?.onEvent(effect.event)
      case 'reset':
        return subscriber?.onReset?.()
      case 'end':
        this.#subscribers.delete(effect.id)
        return subscriber?.onEnd?.()
      case 'ready':
        return
    }
  }
}

/** The permanent error of a refused handshake; undefined if a retry may help. */
function refusal(address: ServerAddress, status: number): NarwhalError | undefined {
  const at = `the live connection to ${address.server}`
  if (status === 401) {
    return new NarwhalError('unauthenticated', `${at} needs a token: --token or NARWHAL_TOKEN`)
  }
  if (status === 403) return new NarwhalError('forbidden', `${at} is not allowed with this token`)
  if (status === 404) return new NarwhalError('unavailable', `${at} is not offered there`)
  return undefined
}
