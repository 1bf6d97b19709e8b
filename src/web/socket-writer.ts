import type { WebSocket } from 'ws'
import type { LiveResponse } from '../contract/live-protocol.ts'

/** Past so many bytes that the client has not taken, writers wait and samples are left out. */
const HIGH_WATER = 4 * 1024 * 1024

/**
 * Writes messages to one websocket and bounds what a slow client leaves in memory: past the high
 * water each writer waits for its own message to be taken before it goes on.
 */
export class SocketWriter {
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** Resolves as soon as the next message may be made; at once while the client keeps up. */
  async send(message: LiveResponse): Promise<void> {
    const text = JSON.stringify(message)
    if (this.#socket.bufferedAmount < HIGH_WATER) {
      this.#socket.send(text)
      return
    }
    // It is called on failure too: then the connection is closing, and the writer with it.
    await new Promise<void>((resolve) => this.#socket.send(text, () => resolve()))
  }

  /** For what is worth nothing later: left out while the client is behind. */
  offer(message: LiveResponse): void {
    if (this.#socket.bufferedAmount < HIGH_WATER) this.#socket.send(JSON.stringify(message))
  }
}
