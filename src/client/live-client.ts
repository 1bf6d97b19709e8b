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
  serverAway,
} from './http-client.ts'

/** Who hears of one topic. Everything is called in the order in which the server sent it. */
export interface LiveSubscriber {
  onEvent(event: LiveEvent): void
  /** What was missed can't be had any more: read the present state by REST. */
  onReset?(): void
  /** The log is whole. */
  onEnd?(): void
}

export interface LiveClientOptions {
  readonly signal: AbortSignal
  /** Milliseconds without a connection until it gives up; one minute unless told. */
  readonly patienceMs?: number
}

/** A connection on which nothing was heard for two of these, in milliseconds, is dead. */
const PING_INTERVAL_MS = 15_000

/**
 * The websocket at `/api/v1/live`, with reconnection: each subscription is made again on every new
 * connection behind the last event that was handed over, so a subscriber misses nothing and sees
 * nothing twice. `failed` rejects when it can't go on (no connection for too long, or refused).
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
    // Whoever waits for `failed` hears it; a client that is closed before is no unhandled error.
    promise.catch(() => {})
    this.#running = this.#run().catch(reject)
  }

  /** `after`: the number of the last event that the caller has; absent: from now on. */
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
      const heard = await this.#connection()
      this.#signal.throwIfAborted()
      if (heard) {
        lostAt = performance.now()
        tries = 0
      }
      if (performance.now() - lostAt > this.#patienceMs) {
        throw serverAway(this.#address.server, this.#trouble)
      }
      await backoff(tries, { firstMs: 50, maxMs: 3000 }, this.#signal)
    }
  }

  /** One connection's whole life; resolves to whether the server said anything on it. */
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
    let heard = false
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
      heard = alive = true
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
    return heard
  }

  /** Undefined: nobody is there. */
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
    // A newer server may send events that this client has no name for.
    if (!parsed.success) return
    this.#take(receive(this.#session, parsed.data))
  }

  #take([session, effects]: LiveStep): void {
    this.#session = session
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: LiveEffect): void {
    // What is not sent now is asked for by the next connection.
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

/** What a refused handshake means for good; undefined where trying again may help. */
function refusal(address: ServerAddress, status: number): NarwhalError | undefined {
  const at = `the live connection to ${address.server}`
  if (status === 401) {
    return new NarwhalError('unauthenticated', `${at} needs a token: --token or NARWHAL_TOKEN`)
  }
  if (status === 403) return new NarwhalError('forbidden', `${at} is not allowed to this token`)
  if (status === 404) return new NarwhalError('unavailable', `${at} is not offered there`)
  return undefined
}
