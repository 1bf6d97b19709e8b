import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../../../../../lib/new-id.ts'
import { ownProcess } from '../../../../../lib/process-owner.ts'
import { machineFacts } from './machine-facts.ts'
import { readTrusted } from './trusted-file.ts'

export interface ProofOptions {
  /** Of these proofs alone. */
  readonly folder: string
  /** Where containers have their files. */
  readonly place: string
  /** Whether what was kept counts; if not, it is only replaced. */
  readonly recalls: boolean
}

/**
 * What was found out by trying, kept until the next boot by everything that it depends on: the caller's facts and those
 * of the machine. A change of any makes another name, under which there is nothing.
 */
export class Proofs {
  readonly #options: ProofOptions
  readonly #boot = ownProcess().boot.slice(0, 8)
  #machine: readonly unknown[] | undefined

  constructor(options: ProofOptions) {
    this.#options = options
  }

  /** What was kept for these facts, which are plain data; undefined: it has to be tried. */
  find(facts: readonly unknown[]): string | undefined {
    if (!this.#options.recalls) return undefined
    return readTrusted(this.#pathOf(facts))?.toString()
  }

  /** Whole or not at all. A disk that is full only means that it is tried again. */
  async keep(facts: readonly unknown[], text: string): Promise<void> {
    const { folder } = this.#options
    const path = this.#pathOf(facts)
    const draft = `${path}.${newId('draft')}`
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const former = (await readdir(folder)).filter((name) => !name.startsWith(`${this.#boot}-`))
      await Promise.all(former.map((name) => rm(join(folder, name), { force: true })))
      // Not flushed: after a crash of the machine it counts for nothing.
      await writeFile(draft, text, { mode: 0o600 })
      await rename(draft, path)
    } catch {
      await rm(draft, { force: true }).catch(() => {})
    }
  }

  /** All of it has to be tried again. */
  async forget(): Promise<void> {
    this.#machine = undefined
    await rm(this.#options.folder, { recursive: true, force: true })
  }

  #pathOf(facts: readonly unknown[]): string {
    this.#machine ??= machineFacts(this.#options.place)
    const text = JSON.stringify([ownProcess().boot, this.#machine, facts])
    const digest = createHash('sha256').update(text).digest('hex')
    return join(this.#options.folder, `${this.#boot}-${digest}`)
  }
}
