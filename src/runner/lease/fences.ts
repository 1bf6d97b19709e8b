import type { JobId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'

const MOST_REMEMBERED = 10_000

/** The newest fencing token of each of the jobs that were used most recently. */
export class Fences {
  readonly #fences = new Map<JobId, number>()

  /** 0 if none is known. */
  newest(jobId: JobId): number {
    return this.#fences.get(jobId) ?? 0
  }

  /** Records the token; throws `stale` when a newer one is known. */
  raise(jobId: JobId, fence: number): void {
    const newest = this.newest(jobId)
    if (fence < newest) {
      throw new NarwhalError('stale', `lease ${fence} of ${jobId} is superseded by lease ${newest}`)
    }
    // Deleted first, so that the map is ordered by last use.
    this.#fences.delete(jobId)
    this.#fences.set(jobId, fence)
    const [oldest] = this.#fences.keys()
    if (this.#fences.size > MOST_REMEMBERED && oldest) this.#fences.delete(oldest)
  }
}
