import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../lib/errors.ts'
import type { SandboxHandle } from '../executor/executor.ts'
import type { WatchdogLine } from './watchdog-line.ts'

export interface WatchedSandboxesDeps {
  /** The current time, in milliseconds of the lines' clock. */
  readonly now: () => number
  readonly end: (handle: SandboxHandle) => Promise<void>
  /** Logs a message. */
  readonly say: (message: string) => void
}

/** One sandbox of the runner: *watched*, *ending* and *ended*, or *released*. */
interface Watched {
  readonly name: string
  readonly handle: SandboxHandle
  untilMs: number | undefined
  ending: Promise<void> | undefined
}

const RETRY_MS = 500
/** After a longer outage of the engine, the next start of the runner removes what is left behind. */
const GIVE_UP_MS = 600_000
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The sandboxes of a watchdog. Each is ended once: at its deadline or after the end of the runner,
 * whichever is first. A failure is retried until the runner releases the sandbox.
 */
export class WatchedSandboxes {
  readonly #deps: WatchedSandboxesDeps
  readonly #watched = new Map<number, Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: WatchedSandboxesDeps) {
    this.#deps = deps
  }

  onLine(line: WatchdogLine): void {
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
        // As far as the runner knows, it continues.
        watched.ending = undefined
      }
    }
    this.#schedule()
  }

  /** Ends all sandboxes, as the runner has ended; resolves when nothing more can be done. */
  async endAll(): Promise<void> {
    clearTimeout(this.#timer)
    const all = [...this.#watched]
    await Promise.all(all.map(([id, one]) => this.#tryToEnd(id, one, 'its runner has ended')))
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const deadlines = [...this.#watched.values()]
      .filter(({ ending }) => !ending)
      .map(({ untilMs = Infinity }) => untilMs)
    const next = Math.min(...deadlines)
    if (next === Infinity) return
    const delay = Math.max(0, Math.min(next - this.#deps.now(), LONGEST_TIMER_MS))
    // If this process was frozen, too, pending lines that move the deadline are read first.
    this.#timer = setTimeout(() => setImmediate(() => this.#endLate()), Math.ceil(delay))
  }

  #endLate(): void {
    const now = this.#deps.now()
    for (const [id, one] of this.#watched) {
      if (one.untilMs === undefined || one.untilMs > now) continue
      const why = 'its runner did not renew its lease in time'
      one.ending ??= this.#tryToEnd(id, one, why)
    }
    this.#schedule()
  }

  async #tryToEnd(id: number, { name, handle }: Watched, why: string): Promise<void> {
    const { now, end, say } = this.#deps
    const giveUpAt = now() + GIVE_UP_MS
    let lastReason = ''
    // Once released, the runner has ended it itself.
    while (this.#watched.has(id)) {
      try {
        await end(handle)
        return say(`ended the sandbox of ${name}: ${why}`)
      } catch (error) {
        const reason = describeError(error)
        if (now() > giveUpAt) return say(`gave up ending the sandbox of ${name}: ${reason}`)
        if (reason !== lastReason) say(`can't end the sandbox of ${name}, retrying: ${reason}`)
        lastReason = reason
      }
      await sleep(RETRY_MS)
    }
  }
}
