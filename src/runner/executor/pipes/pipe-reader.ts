import { constants, openSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'

/** What a pipe holds. */
const BUFFER_BYTES = 64 * 1024

/**
 * All pipes are read into this one buffer, for what is in it is done with before the next read: steps
 * print gigabytes, and a buffer for each read would have to be collected.
 */
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

/** Opens a FIFO for reading without waiting for a writer; the descriptor becomes the socket's, which is paused. */
export function openReader(path: string, options: SocketConstructorOpts = {}): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const reader = new Socket({ ...options, fd, readable: true, writable: false })
  reader.pause()
  return reader
}

/** Gets a chunk, which is its own until it returns. Whether that was enough: nothing more is read then. */
type ChunkListener = (chunk: Buffer) => boolean | Promise<boolean>

/**
 * The reading end of a FIFO. It is *waiting* until `read`, then *reading*, or held by who listens, and in
 * the end *closed*: by `destroy`, by the end of the last writer, or because whoever listened has heard enough.
 */
export class PipeReader {
  readonly #socket: Socket
  readonly #end = Promise.withResolvers<void>()
  #listener: ChunkListener | undefined

  /** Opens it without waiting for a writer. */
  constructor(path: string) {
    const callback = (bytes: number) => this.#hear(buffer.subarray(0, bytes))
    this.#socket = openReader(path, { onread: { buffer, callback } })
    this.#end.promise.catch(() => {})
    this.#socket.on('end', this.#end.resolve)
    this.#socket.on('error', this.#end.reject)
    this.#socket.on('close', () => this.#end.reject(new Error('the pipe was closed')))
  }

  /**
   * Gives what is written to the listener, chunk by chunk, the next one when it has settled. Resolves when
   * that was enough, or when there is no writer any more; rejects with what it throws. To be called once.
   */
  async read(listener: ChunkListener): Promise<void> {
    this.#listener = listener
    this.#socket.resume()
    try {
      await this.#end.promise
    } finally {
      this.destroy()
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Returns whether to read on at once. */
  #hear(chunk: Buffer): boolean {
    try {
      const isEnough = this.#listener?.(chunk) ?? false
      if (isEnough === false) return true
      if (isEnough === true) this.#end.resolve()
      else void this.#hearLater(isEnough)
    } catch (error) {
      this.#end.reject(error)
    }
    return false
  }

  async #hearLater(isEnough: Promise<boolean>): Promise<void> {
    try {
      if (await isEnough) this.#end.resolve()
      else this.#socket.resume()
    } catch (error) {
      this.#end.reject(error)
    }
  }
}
