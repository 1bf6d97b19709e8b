import { withSignal } from '../../lib/async/with-signal.ts'
import type { OutputListener } from '../executor/executor.ts'
import { ChunkPacker } from '../log/chunk-packer.ts'
import type { JobLog } from '../log/job-log.ts'
import { MaskedLines } from '../masking/masked-lines.ts'

/**
 * One step's part of the log, from the bytes that the sandbox gives to chunks of the job's log. When
 * the spool is full the step has to wait: nothing is dropped.
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

  /** What comes after the end is left out: the step may have been given up before its processes. */
  readonly write: OutputListener = (stream, chunk) => {
    if (this.#end.signal.aborted) return undefined
    this.#lines.write(stream, chunk)
    const room = this.#packer.room() ?? this.#log.room()
    return room && this.#wait(room)
  }

  async #wait(room: Promise<void>): Promise<void> {
    this.#lines.hold(true)
    // However often a long log waits, each wait is over when there is room.
    await withSignal(room, this.#end.signal).catch(() => undefined)
    this.#lines.hold(false)
  }

  /** Narwhal's own words. */
  say(text: string): void {
    this.#lines.say(text)
  }

  /** Resolves when all of it is in the spool; nothing may come behind the log before that. */
  async end(): Promise<void> {
    if (!this.#end.signal.aborted) {
      this.#lines.end()
      this.#end.abort()
    }
    await this.#packer.flush()
  }
}
