import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/**
 * The bytes of a websocket's messages as a stream, whose own writes become messages, none of them
 * larger than `mostBytes`. It reads on only when asked and waits with writing until the socket has
 * taken what was written before, so that neither side keeps more than a little. It closes with the
 * socket, and the socket with it.
 */
export function openSocketStream(socket: WebSocket, mostBytes: number): Duplex {
  const stream = createWebSocketStream(socket)
  // HTTP/2 writes many small pieces at a time: each as a message of its own would halve the speed.
  stream._writev = (pieces, done) => {
    const messages = [...pack(pieces, mostBytes)]
    const last = messages.pop()
    for (const message of messages) socket.send(message)
    // They are taken in order: after the last, all are.
    if (last) socket.send(last, done)
    else done()
  }
  // ws leaves the writing half open, and whoever writes there would wait for ever.
  socket.once('close', () => stream.destroy())
  return stream
}

/** The pieces in order, as few messages. */
function* pack(
  pieces: readonly { readonly chunk: Buffer }[],
  mostBytes: number,
): Generator<Buffer> {
  let batch: Buffer[] = []
  let size = 0
  for (const { chunk } of pieces) {
    if (size + chunk.length > mostBytes && size > 0) {
      yield Buffer.concat(batch, size)
      batch = []
      size = 0
    }
    batch.push(chunk)
    size += chunk.length
  }
  if (size > 0) yield Buffer.concat(batch, size)
}
