import { constants, openSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'

/** Opens a FIFO for reading without waiting for a writer, as a socket that owns the descriptor. */
export function openReader(path: string, options: SocketConstructorOpts = {}): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ ...options, fd, readable: true, writable: false })
}

/** Opens a FIFO for writing without waiting for a reader, as a socket that owns the descriptor. */
export function openWriter(path: string): Socket {
  // For both: opened for writing alone, a FIFO without a reader is refused.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const writer = new Socket({ fd, readable: false, writable: true })
  writer.on('error', () => {})
  return writer
}
