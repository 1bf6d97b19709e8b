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

/**
 * Pings the other side for as long as the socket is open, and cuts the socket off when nothing at
 * all has come for too long. A reader that pauses the socket hears no answers either.
 */
export function keepAlive(socket: WebSocket, { pingMs, silenceMs }: HeartbeatOptions): Heartbeat {
  let heardAt = performance.now()
  let count = 0
  const hear = (): void => {
    heardAt = performance.now()
  }
  for (const event of ['open', 'message', 'ping'] as const) socket.on(event, hear)
  socket.on('pong', () => {
    hear()
    count++
  })
  const timer = setInterval(() => {
    if (performance.now() - heardAt > silenceMs) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.ping()
  }, pingMs)
  socket.on('close', () => clearInterval(timer))
  return {
    get count() {
      return count
    },
  }
}
