import type { WebSocket } from 'ws'

export interface HeartbeatOptions {
  /** Milliseconds between two pings. */
  readonly pingMs: number
  /** Milliseconds without any message from the peer after which the socket is terminated. */
  readonly silenceMs: number
}

/** The heartbeat of one websocket, from open to close. */
export interface Heartbeat {
  /** Number of pongs received. */
  readonly count: number
}

/** After a stall of our own event loop, pending messages are read before the peer is judged. */
const GRACE_MS = 200

/**
 * Pings the peer while the socket is open, and terminates the socket after a silence. Pausing the socket also
 * stops pongs from being read.
 */
export function keepAlive(socket: WebSocket, { pingMs, silenceMs }: HeartbeatOptions): Heartbeat {
  let count = 0
  let grace: NodeJS.Timeout | undefined
  const silence = setTimeout(() => {
    grace = setTimeout(() => socket.terminate(), GRACE_MS)
  }, silenceMs)
  const onMessage = (): void => {
    clearTimeout(grace)
    silence.refresh()
  }
  for (const event of ['open', 'message', 'ping', 'pong'] as const) socket.on(event, onMessage)
  socket.on('pong', () => {
    count++
  })
  const pings = setInterval(() => {
    if (socket.readyState === socket.OPEN) socket.ping()
  }, pingMs)
  socket.on('close', () => {
    clearInterval(pings)
    clearTimeout(silence)
    clearTimeout(grace)
  })
  return {
    get count() {
      return count
    },
  }
}
