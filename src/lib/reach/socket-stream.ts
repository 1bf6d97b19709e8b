import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/**
 * A websocket as a stream of bytes: writes become messages of at most `mostBytes`. Back-pressure works both
 * ways, so that neither side buffers much. Stream and socket close together.
 */
export function openSocketStream(socket: WebSocket, mostBytes: number): Duplex {
  const stream = createWebSocketStream(socket)
  // HTTP/2 writes many small chunks at once: a message for each would halve the speed.
  stream._writev = (pieces, done) => {
    const messages = [...pack(pieces, mostBytes)]
    const last = messages.pop()
    for (const message of messages) socket.send(message)
    // Messages are sent in order: after the last, all are.
    if (last) socket.send(last, done)
    else done()
  }
  // ws leaves the writable half open; a writer would wait for ever.
  socket.once('close', () => stream.destroy())
  return stream
}

/** Packs the chunks, in order, into as few messages as possible. */
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
