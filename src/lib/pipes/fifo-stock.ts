import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

const BATCH = 48
const LOW = 8

/** FIFOs made in batches ahead of use: only a program can make one, and starting it takes a while. */
export class FifoStock {
  readonly folder: string
  readonly #makeFifos: (paths: readonly string[]) => Promise<void>
  /** What a former process has left does not get in the way. */
  readonly #key = randomBytes(6).toString('hex')
  readonly #ready: string[] = []
  #made = 0
  #making: Promise<void> | undefined

  /** Created in this folder; `makeFifos` decides who may open them. */
  constructor(folder: string, makeFifos: (paths: readonly string[]) => Promise<void>) {
    this.folder = folder
    this.#makeFifos = makeFifos
  }

  /** Returns the paths of `count` unused FIFOs; the caller moves or removes them. */
  async take(count: number): Promise<readonly string[]> {
    while (this.#ready.length < count) await this.#make()
    const taken = this.#ready.splice(0, count)
    // A failure is reported to the next caller.
    if (this.#ready.length < LOW) this.#make().catch(() => {})
    return taken
  }

  /** Takes one back that nobody has open any more. */
  giveBack(path: string): void {
    this.#ready.push(path)
  }

  #make(): Promise<void> {
    this.#making ??= this.#makeBatch().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  async #makeBatch(): Promise<void> {
    const names = Array.from({ length: BATCH }, () => `fifo-${this.#key}-${++this.#made}`)
    const paths = names.map((name) => join(this.folder, name))
    await this.#makeFifos(paths)
    this.#ready.push(...paths)
  }
}
