import type { OutputStream } from '../executor/executor.ts'
import type { MaskedStream, SecretMask } from './secret-mask.ts'

const STREAMS = ['stdout', 'stderr'] as const

/** What a step prints on both of its streams, each without the job's secrets. */
export class MaskedOutput {
  readonly #streams: Readonly<Record<OutputStream, MaskedStream>>

  constructor(mask: SecretMask) {
    this.#streams = { stdout: mask.openStream(), stderr: mask.openStream() }
  }

  /** What may be shown now; the rest is held back. */
  write(stream: OutputStream, bytes: Uint8Array): Buffer {
    return this.#streams[stream].write(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    )
  }

  /** What was held back, of each stream that has something. */
  end(): [OutputStream, Buffer][] {
    return STREAMS.map((stream): [OutputStream, Buffer] => [
      stream,
      this.#streams[stream].end(),
    ]).filter(([, bytes]) => bytes.length > 0)
  }
}
