import { Transform, type TransformCallback } from 'node:stream'
import { NarwhalError } from '../lib/errors.ts'

/** Bodies that are said to be no longer than this are not counted: the connections bound them. */
const SMALL_BYTES = 64 * 1024

/** The large bodies that are on their way in, which together have a bound. */
export class Bodies {
  readonly #mostBytes: number
  readonly #onRefused: () => void
  #bytes = 0

  constructor(mostBytes: number, onRefused: () => void) {
    this.#mostBytes = mostBytes
    this.#onRefused = onRefused
  }

  /** Bytes that are counted now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a body with these headers is to be counted. */
  isLarge(headers: { readonly [name: string]: string | string[] | undefined }): boolean {
    if (headers['transfer-encoding'] !== undefined) return true
    return Number(headers['content-length'] ?? 0) > SMALL_BYTES
  }

  /**
   * The same body, which fails with `unavailable` where there is no room for it. It counts until
   * one of `ends` is closed, since whoever answers has it in memory until then.
   */
  count(body: NodeJS.ReadableStream, ends: readonly NodeJS.EventEmitter[]): Transform {
    let own = 0
    const give = (chunk: Buffer, _encoding: string, done: TransformCallback): void => {
      if (this.#bytes + chunk.length > this.#mostBytes) {
        this.#onRefused()
        // The rest of it is thrown away, so that the client comes to read the answer.
        body.unpipe(counted)
        body.resume()
        const words = 'too many large requests at a time: try again later'
        done(new NarwhalError('unavailable', words))
        return
      }
      own += chunk.length
      this.#bytes += chunk.length
      done(null, chunk)
    }
    const counted = new Transform({ transform: give })
    const release = (): void => {
      this.#bytes -= own
      own = 0
      counted.destroy()
    }
    for (const end of ends) end.once('close', release)
    body.once('error', (error) => counted.destroy(error))
    body.once('close', () => {
      if (!counted.writableEnded) counted.destroy()
    })
    return body.pipe(counted)
  }
}
