import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const BATCH = 48
const LOW = 8

/** FIFOs made in batches ahead of use: only a program can make one, and starting it takes a while. */
export class FifoStock {
  readonly folder: string
  readonly #ready: string[] = []
  #made = 0
  #making: Promise<void> | undefined

  /** Created in this folder, open to every user. */
  constructor(folder: string) {
    this.folder = folder
  }

  /** Returns the paths of `count` unused FIFOs; the caller moves or removes them. */
  async take(count: number): Promise<readonly string[]> {
    while (this.#ready.length < count) await this.#make()
    const taken = this.#ready.splice(0, count)
    // A failure is reported to the next caller.
    if (this.#ready.length < LOW) this.#make().catch(() => {})
    return taken
  }

  #make(): Promise<void> {
    this.#making ??= this.#makeBatch().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  async #makeBatch(): Promise<void> {
    const paths = Array.from({ length: BATCH }, () => join(this.folder, `fifo-${++this.#made}`))
    await run('mkfifo', ['-m', '666', ...paths])
    this.#ready.push(...paths)
  }
}
