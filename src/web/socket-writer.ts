import type { WebSocket } from 'ws'
import type { LiveResponse } from '../contract/live/live-protocol.ts'

/** Past so many bytes that the client has not taken, writers wait and samples are left out. */
const HIGH_WATER = 4 * 1024 * 1024
/** A client with many subscriptions may get further behind, but is cut off past so many. */
const MOST_BYTES = 16 * 1024 * 1024
/** When all clients together have so many waiting, whoever is behind and wants more is cut off. */
const MOST_BYTES_IN_ALL = 128 * 1024 * 1024
/** "Try again later", of the registry at iana.org/assignments/websocket. */
const TRY_AGAIN_LATER = 1013

/** The live websockets of a process, which share a bound on what waits in memory for their clients. */
export class SocketRoom {
  readonly #sockets = new Set<WebSocket>()

  get size(): number {
    return this.#sockets.size
  }

  /** Bytes that clients have not taken yet. */
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
 * Writes messages to one websocket and bounds what a slow client leaves in memory: past the high
 * water each writer waits for its own message to be taken before it goes on, and past a second
 * bound the client is cut off. It finds everything again by its numbers when it comes back.
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

  /** Resolves as soon as the next message may be made; at once while the client keeps up. */
  async send(message: LiveResponse): Promise<void> {
    const text = JSON.stringify(message)
    if (this.#socket.bufferedAmount < HIGH_WATER) {
      this.#socket.send(text)
      return
    }
    if (this.#socket.bufferedAmount > MOST_BYTES || this.#room.bytes > MOST_BYTES_IN_ALL) {
      await this.#cutOff()
      return
    }
    // It is called on failure too: then the connection is closing, and the writer with it.
    await new Promise<void>((resolve) => this.#socket.send(text, () => resolve()))
  }

  /** For what is worth nothing later: left out while the client is behind. */
  offer(message: LiveResponse): void {
    if (this.#socket.bufferedAmount < HIGH_WATER) this.#socket.send(JSON.stringify(message))
  }

  /** Says so behind what waits already; a client that does not take that is gone in half a minute. */
  async #cutOff(): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return
    this.#socket.close(TRY_AGAIN_LATER, 'too far behind: come back and go on where you were')
    await this.#closed
  }
}
