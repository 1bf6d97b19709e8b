import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { LiveRequest, LiveResponse } from '../../src/contract/live/live-protocol.ts'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import type { Installation } from '../../test/support/installation.ts'
import { bearer } from '../../test/support/tokens.ts'

/** The end of a pipeline, and when it was seen here. */
export interface SeenEnd {
  readonly pipeline: PipelineView
  /** Of `performance.now()`. */
  readonly seenAt: number
  /** Of `Date.now()`. */
  readonly seenAtEpochMs: number
}

/**
 * A client of the websocket that is subscribed to everything. It takes the time before it does
 * anything with a message, and keeps nothing.
 */
export class LiveWatch implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #waiting = new Map<string, (end: SeenEnd) => void>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#hear(data))
    // One for each pipeline that is waited for.
    socket.setMaxListeners(0)
  }

  /** Resolves once the server has confirmed the subscription. */
  static async open(
    { url, token }: Pick<Installation, 'url' | 'token'>,
    signal: AbortSignal,
  ): Promise<LiveWatch> {
    const headers = bearer(token)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
    await once(socket, 'open', { signal })
    const watch = new LiveWatch(socket)
    const confirmed = once(socket, 'message', { signal })
    const request: LiveRequest = { type: 'subscribe', id: 'bench', topic: { kind: 'everything' } }
    socket.send(JSON.stringify(request))
    await confirmed
    return watch
  }

  /** Resolves when a pipeline of this commit is told to be finished. */
  async endOf(sha: string, signal: AbortSignal): Promise<SeenEnd> {
    const { promise, resolve, reject } = Promise.withResolvers<SeenEnd>()
    const broken = () => reject(new Error('the websocket was closed'))
    const abort = () => reject(signal.reason)
    this.#waiting.set(sha, resolve)
    this.#socket.once('close', broken)
    signal.addEventListener('abort', abort)
    try {
      return await promise
    } finally {
      this.#waiting.delete(sha)
      this.#socket.off('close', broken)
      signal.removeEventListener('abort', abort)
    }
  }

  #hear(data: Buffer): void {
    const seenAt = performance.now()
    const seenAtEpochMs = Date.now()
    const message = JSON.parse(data.toString('utf8')) as LiveResponse
    if (message.type !== 'event' || message.event.type !== 'pipeline.changed') return
    const { pipeline } = message.event
    if (pipeline.status !== 'finished') return
    this.#waiting.get(pipeline.event.sha)?.({ pipeline, seenAt, seenAtEpochMs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const closed = once(this.#socket, 'close')
    this.#socket.terminate()
    await closed
  }
}
