import type { Socket } from 'node:net'
import { openReader } from '../../../lib/pipes/open-fifo.ts'

/** Capacity of a pipe. */
const BUFFER_BYTES = 64 * 1024

/**
 * Shared by all readers, since its content is consumed before the next read: steps print gigabytes, and a
 * buffer for each read would have to be garbage-collected.
 */
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

/** Receives a chunk, which is its own until it returns. Returns whether it has enough: then reading stops. */
type ChunkListener = (chunk: Buffer) => boolean | Promise<boolean>

/**
 * The reading end of a FIFO: *waiting* until `read`, then *reading*, or paused by its listener, and finally
 * *closed*: by `destroy`, because the last writer is gone, or because the listener has enough.
 */
export class PipeReader {
  readonly #socket: Socket
  readonly #end = Promise.withResolvers<void>()
  #listener: ChunkListener | undefined

  /** Opens it without waiting for a writer. */
  constructor(path: string) {
    const callback = (bytes: number) => this.#onChunk(buffer.subarray(0, bytes))
    this.#socket = openReader(path, { onread: { buffer, callback } })
    this.#socket.pause()
    this.#end.promise.catch(() => {})
    this.#socket.on('end', this.#end.resolve)
    this.#socket.on('error', this.#end.reject)
    this.#socket.on('close', () => this.#end.reject(new Error('the pipe was closed')))
  }

  /**
   * Passes what is written to the listener, each chunk after the previous one has settled. Resolves when the
   * listener has enough, or when the last writer is gone; rejects with what it throws. To be called once.
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
  #onChunk(chunk: Buffer): boolean {
    try {
      const isEnough = this.#listener?.(chunk) ?? false
      if (isEnough === false) return true
      if (isEnough === true) this.#end.resolve()
      else void this.#resumeAfter(isEnough)
    } catch (error) {
      this.#end.reject(error)
    }
    return false
  }

  async #resumeAfter(isEnough: Promise<boolean>): Promise<void> {
    try {
      if (await isEnough) this.#end.resolve()
      else this.#socket.resume()
    } catch (error) {
      this.#end.reject(error)
    }
  }
}
