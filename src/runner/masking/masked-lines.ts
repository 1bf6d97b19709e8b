import type { OutputStream } from '../executor/executor.ts'
import { LogLines } from '../log-lines.ts'
import type { MaskedStream, SecretMask } from './secret-mask.ts'

const STREAMS = ['stdout', 'stderr'] as const

/** What takes a step's output and Narwhal's words about it, and makes lines of both. */
export type Lines = Pick<LogLines, 'write' | 'say' | 'end' | 'hold'>

/** Makes lines without the job's secrets; where it has none, nothing is looked for. */
export function openLines(
  step: number,
  emit: ConstructorParameters<typeof LogLines>[1],
  mask: SecretMask | undefined,
): Lines {
  const lines = new LogLines(step, emit)
  return mask ? new MaskedLines(lines, mask) : lines
}

/** Takes the secrets out of each stream by itself before its bytes become lines. */
class MaskedLines implements Lines {
  readonly #lines: LogLines
  readonly #mask: SecretMask
  readonly #streams: Readonly<Record<OutputStream, MaskedStream>>

  constructor(lines: LogLines, mask: SecretMask) {
    this.#lines = lines
    this.#mask = mask
    this.#streams = { stdout: mask.openStream(), stderr: mask.openStream() }
  }

  write(stream: OutputStream, bytes: Uint8Array): void {
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
    this.#giveRests()
    this.#lines.end()
  }

  #giveRests(): void {
    for (const stream of STREAMS) this.#give(stream, this.#streams[stream].end())
  }

  #give(stream: OutputStream, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#lines.write(stream, bytes)
  }
}
