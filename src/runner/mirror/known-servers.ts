import { NarwhalError } from '../../lib/errors.ts'
import type { ServerFacts } from '../../lib/git/advertisement.ts'
import { SharedTasks } from '../../lib/shared-tasks.ts'
import { askServer, type QuickRemote, type Remote } from './smart-http.ts'

/** A server that speaks an old version may have been upgraded. */
const OLD_MS = 3_600_000
/** One that has answered in no way we read is left to git(1) until then. */
const UNKNOWN_MS = 600_000
const MOST_REMEMBERED = 10_000

interface Known {
  /** Absent: it did not say. */
  readonly facts: ServerFacts | undefined
  /** In milliseconds of a clock that never goes back. */
  readonly until: number
}

/**
 * What the git servers of repositories can do, each asked once, by URL. What speaks version 2 is remembered
 * until it fails (`distrust`), since only then does anything have to be learned again.
 */
export class KnownServers {
  readonly #known = new Map<string, Known>()
  readonly #asking = new SharedTasks<ServerFacts | undefined>()
  readonly #now: () => number

  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /**
   * Asks the server unless that is known; undefined if it is not reached by HTTP, or does not say. Rejects with
   * the signal's reason only.
   */
  async find(remote: Remote, signal: AbortSignal): Promise<ServerFacts | undefined> {
    const { url } = remote
    if (!/^https?:/.test(url)) return undefined
    const known = this.#known.get(url)
    if (known && this.#now() < known.until) return known.facts
    return await this.#asking.join(url, signal, async (shared) => {
      try {
        const facts = await askServer(remote, shared)
        const forMs = facts.version === 2 ? Number.POSITIVE_INFINITY : OLD_MS
        this.#remember(url, facts, forMs)
        return facts
      } catch (error) {
        shared.throwIfAborted()
        // A broken connection says nothing: the next one may hold.
        if (error instanceof NarwhalError) this.distrust(url)
        return undefined
      }
    })
  }

  /** Its answer was not what it had promised: it is asked again in ten minutes. */
  distrust(url: string): void {
    this.#remember(url, undefined, UNKNOWN_MS)
  }

  #remember(url: string, facts: ServerFacts | undefined, forMs: number): void {
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    this.#known.set(url, { facts, until: this.#now() + forMs })
  }
}

/** The remote as a quick fetch needs it, if it speaks version 2 and has objects of this form. */
export function quickRemote(
  remote: Remote,
  facts: ServerFacts | undefined,
  sha: string,
): QuickRemote | undefined {
  const { version, objectFormat } = facts ?? {}
  if (!facts || version !== 2) return undefined
  if (objectFormat !== (sha.length === 64 ? 'sha256' : 'sha1')) return undefined
  return { ...remote, facts: { ...facts, version } }
}
