import type { Duplex } from 'node:stream'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { NarwhalError } from '../lib/errors.ts'
import type { Connection, Connector } from './runner-link.ts'

/** The runner's answers are bounded: it may be anybody's machine. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024

interface Line {
  readonly socket: Duplex
  readonly transport: Transport
  /** Breaks the calls that are under way, for this reason. */
  end(reason: string): void
}

/**
 * Reaches a runner over the socket that it has opened itself, and on which this side is the HTTP/2
 * client. `absent` until `accept` brings a socket, then `live`, `absent` again when that closes. The
 * newest socket is the runner's: a former one is ended, since the runner has given it up.
 */
export class AttachedConnector implements Connector, AsyncDisposable {
  readonly balanced = false
  #line: Line | undefined
  #isDisposed = false
  readonly #waiting = new Set<() => void>()

  /** Whether there is a live socket. */
  get isAttached(): boolean {
    return this.#line !== undefined
  }

  /** Takes up a socket after its handshake; it is the connector's to close. */
  accept(socket: Duplex): void {
    const former = this.#line
    const line = openLine(socket)
    if (this.#isDisposed || socket.destroyed) return line.end('the runner is not registered here')
    this.#line = line
    socket.once('close', () => {
      line.end('the runner is no longer attached')
      if (this.#line === line) this.#line = undefined
    })
    former?.end('the runner has attached itself anew')
    for (const wake of this.#waiting) wake()
  }

  /** Throws `unavailable` while the runner is not attached. */
  connect(): Connection {
    if (!this.#line) throw new NarwhalError('unavailable', 'the runner is not attached')
    return { transport: this.#line.transport, [Symbol.asyncDispose]: async () => {} }
  }

  /** Resolves as soon as the runner is attached; rejects with the signal's reason. */
  async untilAttached(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#line) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = (): void => reject(signal.reason)
    this.#waiting.add(resolve)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await promise
    } finally {
      this.#waiting.delete(resolve)
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** Closes the socket, and each one that still comes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#line?.end('the dispatcher has closed the link')
    this.#line = undefined
  }
}

function openLine(socket: Duplex): Line {
  let isTaken = false
  // Its end is told by its close; without a listener the error would end the process.
  socket.on('error', () => {})
  const sessionManager = new Http2SessionManager(
    'http://attached',
    // The websocket has pings of its own, and lives as long as the runner wants.
    { idleConnectionTimeoutMs: Number.POSITIVE_INFINITY },
    {
      createConnection: () => {
        if (isTaken || socket.destroyed) {
          throw new ConnectError('the runner is not attached', Code.Unavailable)
        }
        isTaken = true
        return socket
      },
    },
  )
  const transport = createGrpcTransport({
    baseUrl: 'http://attached',
    sessionManager,
    readMaxBytes: MOST_MESSAGE_BYTES,
    // Streams are the hot path; compressing them costs more than it saves.
    acceptCompression: [],
  })
  const end = (reason: string): void => {
    sessionManager.abort(new ConnectError(reason, Code.Unavailable))
    socket.destroy()
  }
  return { socket, transport, end }
}
