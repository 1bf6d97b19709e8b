import { NarwhalError } from '../../lib/errors.ts'
import type { Found } from '../../lib/git/git-way.ts'
import { SharedTasks } from '../../lib/shared-tasks.ts'
import { askServer, type ServerKind } from './ask-server.ts'
import type { QuickRemote, Remote } from './smart-http.ts'

/** A server that speaks an old version, or none, may have been upgraded. */
const OLD_MS = 3_600_000
/** One that has answered in no way we read is left to git(1) until then. */
const UNKNOWN_MS = 600_000
const MOST_REMEMBERED = 10_000

interface Known {
  /** Absent: it did not say. */
  readonly kind: ServerKind | undefined
  /** In milliseconds of a clock that never goes back. */
  readonly until: number
}

/**
 * What the git servers of repositories can do, each asked once, by URL. What speaks version 2 is remembered
 * until it fails (`distrust`), since only then does anything have to be learned again.
 */
export class KnownServers {
  readonly #known = new Map<string, Known>()
  readonly #asking = new SharedTasks<ServerKind | undefined>()
  readonly #now: () => number

  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /**
   * Asks the server of a remote, at the addresses that `look` finds for HTTP, unless that is known; undefined if
   * it does not say. Rejects as `look` does, or with the signal's reason.
   */
  async find(
    remote: Remote,
    look: () => Promise<Found | undefined>,
    signal: AbortSignal,
  ): Promise<ServerKind | undefined> {
    const key = keyOf(remote)
    const known = this.#known.get(key)
    if (known && this.#now() < known.until) return known.kind
    const found = await look()
    if (!found) return undefined
    return await this.#asking.join(key, signal, async (shared) => {
      try {
        const kind = await askServer(remote, found, shared)
        const isNew = kind !== 'files' && kind.version === 2
        this.#remember(key, kind, isNew ? Number.POSITIVE_INFINITY : OLD_MS)
        return kind
      } catch (error) {
        shared.throwIfAborted()
        // A broken connection says nothing: the next one may hold.
        if (error instanceof NarwhalError) this.distrust(remote)
        return undefined
      }
    })
  }

  /** Its answer was not what it had promised: it is asked again in ten minutes. */
  distrust(remote: Remote): void {
    this.#remember(keyOf(remote), undefined, UNKNOWN_MS)
  }

  #remember(key: string, kind: ServerKind | undefined, forMs: number): void {
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    this.#known.set(key, { kind, until: this.#now() + forMs })
  }
}

/** A server that asks for credentials says nothing without them. */
function keyOf({ url, authorization }: Remote): string {
  return authorization === undefined ? url : `${url} with credentials`
}

/** The remote as a quick fetch needs it, if it speaks version 2 and has objects of this form. */
export function quickRemote(
  remote: Remote,
  kind: ServerKind | undefined,
  sha: string,
): QuickRemote | undefined {
  if (kind === undefined || kind === 'files' || kind.version !== 2) return undefined
  const { version, objectFormat } = kind
  if (objectFormat !== (sha.length === 64 ? 'sha256' : 'sha1')) return undefined
  return { ...remote, facts: { version, objectFormat } }
}
