import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import {
  ATTACH_PATH,
  ATTACHED_HEADER,
  DISPATCHER_HEADER,
  MOST_MESSAGE_BYTES,
  PING_MS,
  SILENCE_MS,
} from '../../contract/rpc/attach.ts'
import { type Heartbeat, type HeartbeatOptions, keepAlive } from '../../lib/async/heartbeat.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { openSocketStream } from '../../lib/reach/socket-stream.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'

export interface DialDispatcher {
  /** Like `http://dispatcher:4748`. */
  readonly url: string
  readonly identity: string
  /** The dispatchers to which this runner is already attached. */
  readonly attached: readonly string[]
  readonly signal: AbortSignal
  /** For `https://` URLs; the system's authorities by default. */
  readonly tls?: ClientTls | undefined
  readonly heartbeat?: HeartbeatOptions
}

/** A socket to one dispatcher, open until `closed`. */
export interface DispatcherSocket {
  readonly dispatcherId: string
  readonly url: string
  /** The stream for the dispatcher's HTTP/2. */
  readonly stream: Duplex
  readonly heartbeat: Heartbeat
  /** Resolves with the reason; never rejects. */
  readonly closed: Promise<string>
  close(): void
}

const HANDSHAKE_MS = 10_000
const MOST_ANSWER_BYTES = 64 * 1024

/**
 * Opens a websocket to a dispatcher. Rejects with `unauthenticated` if it does not know the identity,
 * `conflict` if the runner is already attached to it, `cancelled` when aborted, and otherwise
 * `unavailable`.
 */
export async function dialDispatcher(dial: DialDispatcher): Promise<DispatcherSocket> {
  const { url, signal } = dial
  signal.throwIfAborted()
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${ATTACH_PATH}`, {
    headers: {
      authorization: `Bearer ${dial.identity}`,
      ...(dial.attached.length > 0 ? { [ATTACHED_HEADER]: dial.attached.join(',') } : {}),
    },
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MOST_MESSAGE_BYTES,
    perMessageDeflate: false,
    ...dial.tls?.options,
  })
  const heartbeat = keepAlive(socket, dial.heartbeat ?? { pingMs: PING_MS, silenceMs: SILENCE_MS })
  // Created at once, since the dispatcher may send data together with its response.
  const stream = openSocketStream(socket, MOST_MESSAGE_BYTES)
  let trouble: unknown
  stream.on('error', (error) => {
    trouble = error
  })
  const closed = new Promise<string>((resolve) => {
    socket.once('close', (code, words) => {
      const said = words.length > 0 ? words.toString() : `it was closed with code ${code}`
      resolve(trouble === undefined ? said : describeError(trouble))
    })
  })
  const abort = (): void => socket.terminate()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const dispatcherId = await handshake(socket, url)
    return { dispatcherId, url, stream, heartbeat, closed, close: () => socket.close() }
  } catch (error) {
    stream.destroy()
    throw signal.aborted ? NarwhalError.from(signal.reason, 'cancelled') : error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** The id of the dispatcher, from its response. */
async function handshake(socket: WebSocket, url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let id: string | undefined
  socket.on('upgrade', ({ headers }) => {
    id = headers[DISPATCHER_HEADER]?.toString()
  })
  socket.on('open', () => {
    if (id) resolve(id)
    else reject(away(url, "the server isn't a Narwhal dispatcher"))
  })
  socket.on('unexpected-response', (_request, response) => {
    refusal(response, url).then(reject, (error: unknown) => reject(away(url, error)))
  })
  socket.on('error', (error) => reject(away(url, error)))
  socket.on('close', () => reject(away(url, 'it closed the connection')))
  return await promise
}

async function refusal(response: IncomingMessage, url: string): Promise<NarwhalError> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string
    if (text.length > MOST_ANSWER_BYTES) response.destroy()
  }
  const { statusCode } = response
  const words = wordsOf(text) ?? `it answered ${statusCode}`
  if (statusCode === 401) return new NarwhalError('unauthenticated', words)
  if (statusCode === 409) return new NarwhalError('conflict', words)
  return away(url, words)
}

/** The message in the body of an error response, if it has one. */
function wordsOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

function away(url: string, reason: unknown): NarwhalError {
  return new NarwhalError(
    'unavailable',
    `can't attach to the dispatcher at ${url}: ${describeConnectError(reason)}`,
    { cause: reason },
  )
}
