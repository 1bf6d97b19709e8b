import { within } from '../lib/async/within.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { roomTrouble } from './disk/disk-room.ts'
import { type ProbeDeps, probeSandbox } from './probe.ts'
import type { Spools } from './spool/spools.ts'

const PROBE_MS = 5_000

export interface ReadinessDeps extends ProbeDeps {
  /** Where jobs write, and how much of it must be left. */
  readonly room: { readonly folder: string; readonly reserveBytes: number }
}

/** Whether jobs can run here, as the engine and the spool say, or as a try shows. */
export class Readiness {
  readonly #deps: ReadinessDeps
  readonly #spools: Spools
  #asked: { readonly at: number; readonly trouble: Promise<string> } | undefined
  #trying: Promise<string> | undefined

  constructor(deps: ReadinessDeps, spools: Spools) {
    this.#deps = deps
    this.#spools = spools
  }

  /** Empty while jobs can run, else what is wrong, in words; asked at most every 5 seconds. */
  async trouble(): Promise<string> {
    if (this.#spools.trouble) return this.#spools.trouble
    if (!this.#asked || this.#asked.at < Date.now() - PROBE_MS) {
      const silent = new NarwhalError('unavailable', 'the engine does not answer')
      const probe = this.#look()
      const trouble = within(PROBE_MS, probe, silent).catch(describeError)
      this.#asked = { at: Date.now(), trouble }
    }
    return this.#asked.trouble
  }

  async #look(): Promise<string> {
    const { executor, room } = this.#deps
    return (await roomTrouble(room.folder, room.reserveBytes)) || (await executor.probe())
  }

  /** Opens a sandbox and runs a step in it; who asks meanwhile gets the same answer. */
  async try(): Promise<string> {
    if (this.#spools.trouble) return this.#spools.trouble
    this.#trying ??= probeSandbox(this.#deps).finally(() => {
      this.#trying = undefined
    })
    return this.#trying
  }
}
