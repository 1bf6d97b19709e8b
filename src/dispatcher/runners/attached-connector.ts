import { connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { NarwhalError } from '../../lib/errors.ts'
import type { Connection, Connector } from './connector.ts'
import { readAtOnce } from './read-at-once.ts'

/** The runner's answers are bounded: it may be anybody's machine. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024
/**
 * How much the runner may send ahead of what is read here: all calls together, and each. It makes up
 * for the way there and back; the rest waits at the runner.
 */
const WINDOW_BYTES = 1024 * 1024
/** Only for the URLs of calls: nothing is looked up. */
const AUTHORITY = 'http://attached'
const GONE = 'the runner is no longer attached'

interface Line {
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

  /** Takes up a socket after its handshake; it is the connector's to close. */
  accept(socket: Duplex): void {
    const former = this.#line
    const line = openLine(socket)
    if (this.#isDisposed || socket.destroyed) return line.end('the runner is not registered here')
    this.#line = line
    socket.once('close', () => {
      if (this.#line === line) this.#line = undefined
    })
    former?.end('the runner has attached itself anew')
  }

  /** Throws `unavailable` while the runner is not attached. */
  connect(): Connection {
    if (!this.#line) throw new NarwhalError('unavailable', 'the runner is not attached')
    return { transport: this.#line.transport, [Symbol.asyncDispose]: async () => {} }
  }

  /** Closes the socket, and each one that still comes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#line?.end('the dispatcher has closed the link')
    this.#line = undefined
  }
}

/**
 * The session is our own and not connect-node's `Http2SessionManager`: that one drops its listeners
 * while a session is still closing, whose error then would end the process (2.2.0), and it would
 * dial anew, which only the runner can.
 */
function openLine(socket: Duplex): Line {
  const end = (reason: string): void => {
    session.destroy(new ConnectError(reason, Code.Unavailable))
    socket.destroy()
  }
  // Before the session hears of it, which would call it a cancel, or by what broke it.
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
        return readAtOnce(
          session.request({ ...headers, ':method': method, ':path': path }, options),
        )
      },
      notifyResponseByteRead: () => {},
    },
    readMaxBytes: MOST_MESSAGE_BYTES,
    // Streams are the hot path; compressing them costs more than it saves.
    acceptCompression: [],
  })
  return { transport, end }
}
