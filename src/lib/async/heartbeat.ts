import type { WebSocket } from 'ws'

export interface HeartbeatOptions {
  /** Milliseconds between two pings. */
  readonly pingMs: number
  /** Milliseconds without a word from the other side after which the socket is cut off. */
  readonly silenceMs: number
}

/** The pulse of one websocket, from its opening to its close. */
export interface Heartbeat {
  /** How many answers to pings have come. */
  readonly count: number
}

/** After a stall of our own, what has come meanwhile is read before anybody is judged. */
const GRACE_MS = 200

/**
 * Pings the other side for as long as the socket is open, and cuts the socket off when nothing at
 * all has come for too long. A reader that pauses the socket hears no answers either.
 */
export function keepAlive(socket: WebSocket, { pingMs, silenceMs }: HeartbeatOptions): Heartbeat {
  let count = 0
  let grace: NodeJS.Timeout | undefined
  const silence = setTimeout(() => {
    grace = setTimeout(() => socket.terminate(), GRACE_MS)
  }, silenceMs)
  const hear = (): void => {
    clearTimeout(grace)
    silence.refresh()
  }
  for (const event of ['open', 'message', 'ping', 'pong'] as const) socket.on(event, hear)
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
