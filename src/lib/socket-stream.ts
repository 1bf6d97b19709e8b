import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/**
 * The bytes of a websocket's messages as a stream, whose own writes become messages. It reads on only
 * when asked and waits with writing until the socket has taken what was written before, so that
 * neither side keeps more than a little. It closes with the socket, and the socket with it.
 */
export function openSocketStream(socket: WebSocket): Duplex {
  const stream = createWebSocketStream(socket)
  // ws leaves the writing half open, and whoever writes there would wait for ever.
  socket.once('close', () => stream.destroy())
  return stream
}
