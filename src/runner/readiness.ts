import { within } from '../lib/async/within.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { roomTrouble } from './disk/disk-room.ts'
import { type ProbeDeps, probeSandbox } from './probe.ts'
import type { Spools } from './spool/spools.ts'

const PROBE_MS = 5_000

export interface ReadinessDeps extends ProbeDeps {
  /** Where jobs write, and how much space must be free there. */
  readonly room: { readonly folder: string; readonly reserveBytes: number }
}

/** Whether jobs can run here: by the engine's and the spool's state, or by running a step. */
export class Readiness {
  readonly #deps: ReadinessDeps
  readonly #spools: Spools
  #last: { readonly at: number; readonly trouble: Promise<string> } | undefined
  #probing: Promise<string> | undefined

  constructor(deps: ReadinessDeps, spools: Spools) {
    this.#deps = deps
    this.#spools = spools
  }

  /** Empty while jobs can run, otherwise what is wrong; checked at most every 5 seconds. */
  async trouble(): Promise<string> {
    if (this.#spools.trouble) return this.#spools.trouble
    if (!this.#last || this.#last.at < Date.now() - PROBE_MS) {
      const silent = new NarwhalError('unavailable', 'the engine does not answer')
      const trouble = within(PROBE_MS, this.#check(), silent).catch(describeError)
      this.#last = { at: Date.now(), trouble }
    }
    return this.#last.trouble
  }

  async #check(): Promise<string> {
    const { executor, room } = this.#deps
    return (await roomTrouble(room.folder, room.reserveBytes)) || (await executor.probe())
  }

  /** Opens a sandbox and runs a step in it; concurrent callers share one probe. */
  async probe(): Promise<string> {
    if (this.#spools.trouble) return this.#spools.trouble
    this.#probing ??= probeSandbox(this.#deps).finally(() => {
      this.#probing = undefined
    })
    return this.#probing
  }
}
