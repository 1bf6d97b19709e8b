import { constants, openSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'

/** Opens a FIFO for reading without waiting for a writer, as a socket that owns the descriptor. */
export function openReader(path: string, options: SocketConstructorOpts = {}): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ ...options, fd, readable: true, writable: false })
}
