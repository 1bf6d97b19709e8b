import { withSignal } from '../../lib/async/with-signal.ts'
import type { OutputListener } from '../executor/executor.ts'
import { ChunkPacker } from '../log/chunk-packer.ts'
import type { JobLog } from '../log/job-log.ts'
import { MaskedLines } from '../masking/masked-lines.ts'

/**
 * One step's part of the log, from the sandbox's bytes to chunks of the job's log. When the spool is
 * full, the step has to wait: nothing is dropped.
 */
export class StepLog {
  readonly #log: JobLog
  readonly #lines: MaskedLines
  readonly #packer: ChunkPacker
  readonly #end = new AbortController()

  constructor(log: JobLog, step: number) {
    this.#log = log
    this.#packer = new ChunkPacker((chunk) => log.add(chunk))
    this.#lines = new MaskedLines(step, (lines) => this.#packer.add(lines), log.mask)
  }

  /** Output after the end is dropped: a step may be given up while its processes still run. */
  readonly write: OutputListener = (stream, chunk) => {
    if (this.#end.signal.aborted) return undefined
    this.#lines.write(stream, chunk)
    const room = this.#packer.room() ?? this.#log.room()
    return room && this.#wait(room)
  }

  async #wait(room: Promise<void>): Promise<void> {
    this.#lines.hold(true)
    // A race against the signal itself would add a listener for each wait of a long log.
    await withSignal(room, this.#end.signal).catch(() => undefined)
    this.#lines.hold(false)
  }

  /** Adds a line of Narwhal's own. */
  say(text: string): void {
    this.#lines.say(text)
  }

  /** Resolves when all of it is in the spool; nothing may follow the log before that. */
  async end(): Promise<void> {
    if (!this.#end.signal.aborted) {
      this.#lines.end()
      this.#end.abort()
    }
    await this.#packer.flush()
  }
}
