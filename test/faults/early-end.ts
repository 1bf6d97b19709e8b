import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultsOptions } from './options.ts'
import type { StateFollower } from './state-follower.ts'
import { readWitness } from './witness.ts'

const EVERY_MS = 250

/** Looks again and again whether what was seen of a run is enough, until its disposal. */
export class EarlyEnd implements AsyncDisposable {
  readonly #enough = new AbortController()
  readonly #stop = new AbortController()
  readonly #loop: Promise<void>

  constructor(
    isEnough: FaultsOptions['isEnough'],
    seen: { readonly follower: StateFollower; readonly witnessFolder: string },
  ) {
    this.#loop = isEnough ? this.#look(isEnough, seen) : Promise.resolve()
  }

  /** Aborts when the run may end. */
  get signal(): AbortSignal {
    return this.#enough.signal
  }

  async #look(
    isEnough: NonNullable<FaultsOptions['isEnough']>,
    { follower, witnessFolder }: { follower: StateFollower; witnessFolder: string },
  ): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const runs = await readWitness(witnessFolder)
      if (isEnough({ changes: follower.changes, runs })) {
        this.#enough.abort()
        return
      }
      await sleep(EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }
}
