import { connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { NarwhalError } from '../../lib/errors.ts'
import type { Connection, Connector } from './connector.ts'
import { readEagerly } from './read-eagerly.ts'

/** The runner's messages are bounded: it may be anybody's machine. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024
/** The flow-control window of the connection and of each call: covers the round trip. */
const WINDOW_BYTES = 1024 * 1024
/** Only for the URLs of calls: it is not resolved. */
const AUTHORITY = 'http://attached'
const GONE = 'the runner is no longer attached'

interface Line {
  readonly transport: Transport
  /** Fails the calls in flight with this reason. */
  end(reason: string): void
}

/**
 * Reaches a runner over a socket that the runner has opened, on which this side is the HTTP/2 client.
 * *Absent* until `accept` is called with a socket, then *live*, and absent again when that closes. The newest
 * socket counts: the runner has given up any previous one, which is ended.
 */
export class AttachedConnector implements Connector, AsyncDisposable {
  readonly balanced = false
  #line: Line | undefined
  #isDisposed = false

  /** Takes over a socket after its handshake; the connector closes it. */
  accept(socket: Duplex): void {
    const former = this.#line
    const line = openLine(socket)
    if (this.#isDisposed || socket.destroyed) return line.end('the runner is not registered here')
    this.#line = line
    socket.once('close', () => {
      if (this.#line === line) this.#line = undefined
    })
    former?.end('the runner has attached itself again')
  }

  /** Throws `unavailable` while the runner is not attached. */
  connect(): Connection {
    if (!this.#line) throw new NarwhalError('unavailable', 'the runner is not attached')
    return { transport: this.#line.transport, [Symbol.asyncDispose]: async () => {} }
  }

  /** Closes the socket, and each one accepted later. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#line?.end('the dispatcher has closed the link')
    this.#line = undefined
  }
}

/**
 * An HTTP/2 session instead of connect-node's `Http2SessionManager`: that one removes its listeners while a
 * session is still closing, so that a late error ends the process (2.2.0), and it would dial again, which
 * only the runner can.
 */
function openLine(socket: Duplex): Line {
  const end = (reason: string): void => {
    session.destroy(new ConnectError(reason, Code.Unavailable))
    socket.destroy()
  }
  // Registered before the session's own listeners, which would report a cancel or the low-level error.
  for (const event of ['end', 'error', 'close'] as const) socket.on(event, () => end(GONE))
  const session = connect(AUTHORITY, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
  })
  session.on('error', () => {})
  session.on('connect', () => session.setLocalWindowSize(WINDOW_BYTES))
  const transport = createGrpcTransport({
    baseUrl: AUTHORITY,
    sessionManager: {
      authority: AUTHORITY,
      request: async (method, path, headers, options) => {
        if (session.destroyed || session.closed) throw new ConnectError(GONE, Code.Unavailable)
        return readEagerly(
          session.request({ ...headers, ':method': method, ':path': path }, options),
        )
      },
      notifyResponseByteRead: () => {},
    },
    readMaxBytes: MOST_MESSAGE_BYTES,
    // The hot path: compression costs more than it saves.
    acceptCompression: [],
  })
  return { transport, end }
}
