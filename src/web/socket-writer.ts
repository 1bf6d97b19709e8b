import type { WebSocket } from 'ws'
import type { LiveResponse } from '../contract/live/live-protocol.ts'

/** With this many buffered bytes writers wait, and samples are dropped. */
const HIGH_WATER = 4 * 1024 * 1024
/** A client with many subscriptions may exceed that, but is disconnected beyond this. */
const MAX_BYTES = 16 * 1024 * 1024
/** If all clients together have more buffered, slow ones are disconnected. */
const MAX_BYTES_IN_TOTAL = 128 * 1024 * 1024
/** "Try again later", of the registry at iana.org/assignments/websocket. */
const TRY_AGAIN_LATER = 1013

/** The live WebSockets of a process, which share a limit on buffered bytes. */
export class SocketRoom {
  readonly #sockets = new Set<WebSocket>()

  get size(): number {
    return this.#sockets.size
  }

  /** Buffered bytes of all clients. */
  get bytes(): number {
    let sum = 0
    for (const { bufferedAmount } of this.#sockets) sum += bufferedAmount
    return sum
  }

  /** Counts a socket until it is closed. */
  add(socket: WebSocket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

/**
 * Writes messages to one WebSocket with bounded memory: above the high-water mark each writer waits until
 * its message is sent, and above a second limit the client is disconnected. It continues by its numbers
 * when it reconnects.
 */
export class SocketWriter {
  readonly #socket: WebSocket
  readonly #room: SocketRoom
  readonly #closed: Promise<void>

  constructor(socket: WebSocket, room: SocketRoom) {
    this.#socket = socket
    this.#room = room
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  /** Resolves when the next message may be written; at once while the client keeps up. */
  async send(message: LiveResponse): Promise<void> {
    const text = JSON.stringify(message)
    if (this.#socket.bufferedAmount < HIGH_WATER) {
      this.#socket.send(text)
      return
    }
    if (this.#socket.bufferedAmount > MAX_BYTES || this.#room.bytes > MAX_BYTES_IN_TOTAL) {
      await this.#disconnect()
      return
    }
    // Called on failure too: then the connection is closing, and the writer with it.
    await new Promise<void>((resolve) => this.#socket.send(text, () => resolve()))
  }

  /** For messages that are worthless later: dropped while the client is behind. */
  offer(message: LiveResponse): void {
    if (this.#socket.bufferedAmount < HIGH_WATER) this.#socket.send(JSON.stringify(message))
  }

  /** The close frame follows the buffered messages; ws terminates the socket after 30 s without a reply. */
  async #disconnect(): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return
    this.#socket.close(TRY_AGAIN_LATER, 'too far behind: reconnect and continue')
    await this.#closed
  }
}
