import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../lib/errors.ts'
import type { SandboxHandle } from '../executor/executor.ts'
import type { WatchdogLine } from './watchdog-line.ts'

export interface WatchedSandboxesDeps {
  /** Milliseconds of the clock that the lines speak of. */
  readonly now: () => number
  readonly end: (handle: SandboxHandle) => Promise<void>
  /** Tells a person, in one line. */
  readonly say: (words: string) => void
}

/** One sandbox of the runner: *watched*, *ending* and *ended*, or *released* and forgotten. */
interface Watched {
  readonly name: string
  readonly handle: SandboxHandle
  untilMs: number | undefined
  ending: Promise<void> | undefined
}

const RETRY_MS = 500
/** An engine that is away for longer is left to the next start of the runner, which removes what it finds. */
const GIVE_UP_MS = 600_000
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The sandboxes that a watchdog watches. Each is ended once: when its moment comes or when the runner
 * has gone, whichever is first. An end that fails is tried again until the runner releases the sandbox.
 */
export class WatchedSandboxes {
  readonly #deps: WatchedSandboxesDeps
  readonly #watched = new Map<number, Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: WatchedSandboxesDeps) {
    this.#deps = deps
  }

  hear(line: WatchdogLine): void {
    const { id } = line
    if (line.type === 'watch') {
      const { name, handle } = line
      this.#watched.set(id, { name, handle, untilMs: undefined, ending: undefined })
    } else if (line.type === 'release') {
      this.#watched.delete(id)
    } else {
      const watched = this.#watched.get(id)
      if (watched) {
        watched.untilMs = line.atMs ?? undefined
        // The runner goes on with it, as far as it knows.
        watched.ending = undefined
      }
    }
    this.#schedule()
  }

  /** Ends all that is watched, for the runner has gone; resolves when nothing more can be done. */
  async endAll(): Promise<void> {
    clearTimeout(this.#timer)
    const all = [...this.#watched]
    await Promise.all(all.map(([id, one]) => this.#tryToEnd(id, one, 'its runner has gone')))
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const moments = [...this.#watched.values()]
      .filter(({ ending }) => !ending)
      .map(({ untilMs = Infinity }) => untilMs)
    const next = Math.min(...moments)
    if (next === Infinity) return
    const delay = Math.max(0, Math.min(next - this.#deps.now(), LONGEST_TIMER_MS))
    // If this process stood still as well, lines that move the moment are there already: they are read first.
    this.#timer = setTimeout(() => setImmediate(() => this.#endLate()), Math.ceil(delay))
  }

  #endLate(): void {
    const now = this.#deps.now()
    for (const [id, one] of this.#watched) {
      if (one.untilMs === undefined || one.untilMs > now) continue
      const why = 'its runner has not confirmed in time that it may go on'
      one.ending ??= this.#tryToEnd(id, one, why)
    }
    this.#schedule()
  }

  async #tryToEnd(id: number, { name, handle }: Watched, why: string): Promise<void> {
    const { now, end, say } = this.#deps
    const giveUpAt = now() + GIVE_UP_MS
    let trouble = ''
    // Released: the runner has ended it itself.
    while (this.#watched.has(id)) {
      try {
        await end(handle)
        return say(`ended the sandbox of ${name}: ${why}`)
      } catch (error) {
        const words = describeError(error)
        if (now() > giveUpAt) return say(`gave up ending the sandbox of ${name}: ${words}`)
        if (words !== trouble) say(`could not end the sandbox of ${name} yet: ${words}`)
        trouble = words
      }
      await sleep(RETRY_MS)
    }
  }
}
