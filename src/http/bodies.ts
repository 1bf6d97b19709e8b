import { Transform, type TransformCallback } from 'node:stream'
import { NarwhalError } from '../lib/errors.ts'

/** Bodies with a content length up to this are not counted: the limit on connections bounds them. */
const SMALL_BYTES = 64 * 1024

/** The large request bodies in memory, which share one limit. */
export class Bodies {
  readonly #maxBytes: number
  readonly #onRefused: () => void
  #bytes = 0

  constructor(maxBytes: number, onRefused: () => void) {
    this.#maxBytes = maxBytes
    this.#onRefused = onRefused
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a body with these headers has to be counted. */
  isLarge(headers: { readonly [name: string]: string | string[] | undefined }): boolean {
    if (headers['transfer-encoding'] !== undefined) return true
    return Number(headers['content-length'] ?? 0) > SMALL_BYTES
  }

  /**
   * The same body, which fails with `unavailable` beyond the limit. It counts until one of `ends`
   * closes, since the handler has it in memory until then.
   */
  count(body: NodeJS.ReadableStream, ends: readonly NodeJS.EventEmitter[]): Transform {
    let own = 0
    const transform = (chunk: Buffer, _encoding: string, done: TransformCallback): void => {
      if (this.#bytes + chunk.length > this.#maxBytes) {
        this.#onRefused()
        // Drains the rest: most clients read the response only once they have sent everything.
        body.unpipe(counted)
        body.resume()
        done(new NarwhalError('unavailable', 'too many large requests: try again later'))
        return
      }
      own += chunk.length
      this.#bytes += chunk.length
      done(null, chunk)
    }
    const counted = new Transform({ transform })
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
