import type { OutputStream } from '../executor/executor.ts'
import { LogLines } from '../log/log-lines.ts'
import type { JobMask } from './job-mask.ts'
import type { MaskedStream, SecretMask } from './secret-mask.ts'

const STREAMS = ['stdout', 'stderr'] as const

/**
 * Turns a step's output and Narwhal's own lines into log lines. Each stream is masked on its own, before
 * its bytes become lines.
 */
export class MaskedLines implements Pick<LogLines, 'write' | 'say' | 'end' | 'hold'> {
  readonly #lines: LogLines
  readonly #mask: JobMask
  readonly #streams: Readonly<Record<OutputStream, MaskedStream>>
  #learned: readonly SecretMask[]

  /** As for LogLines. */
  constructor(step: number, emit: ConstructorParameters<typeof LogLines>[1], mask: JobMask) {
    this.#lines = new LogLines(step, emit)
    this.#mask = mask
    this.#learned = mask.refresh()
    this.#streams = { stdout: mask.openStream(), stderr: mask.openStream() }
  }

  write(stream: OutputStream, bytes: Uint8Array): void {
    this.#refresh()
    const { buffer, byteOffset, byteLength } = bytes
    this.#give(stream, this.#streams[stream].write(Buffer.from(buffer, byteOffset, byteLength)))
  }

  hold(isHeld: boolean): void {
    this.#lines.hold(isHeld)
  }

  say(text: string): void {
    this.#giveRests()
    this.#lines.say(this.#mask.text(text))
  }

  end(): void {
    this.#refresh()
    this.#giveRests()
    this.#lines.end()
  }

  #refresh(): void {
    const learned = this.#mask.refresh()
    if (learned !== this.#learned) {
      for (const stream of STREAMS) this.#streams[stream].hideAlso(learned)
      this.#learned = learned
    }
    for (const note of this.#mask.takeNotes()) this.#lines.say(note)
  }

  #giveRests(): void {
    for (const stream of STREAMS) this.#give(stream, this.#streams[stream].end())
  }

  #give(stream: OutputStream, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#lines.write(stream, bytes)
  }
}
