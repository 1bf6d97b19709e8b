import { SEAT_BEAT_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import type { PipelineId } from '../../core/ids.ts'
import { every } from '../../lib/async/every.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreReader } from '../../store/store.ts'
import type { Seat } from './seat.ts'

/**
 * Knows which pipelines are ours, by asking the store again and again: another dispatcher may take
 * one for a command while we live. A pipeline counts as ours for SEAT_MS after a look that found it
 * so, counted from before the look; so whoever has taken one knows until when we may have confirmed
 * a lease of it.
 */
export class Ownership implements AsyncDisposable {
  readonly #deps: OwnershipDeps
  readonly #known = new Map<PipelineId, Known>()
  readonly #looks: AsyncDisposable

  constructor(deps: OwnershipDeps) {
    this.#deps = deps
    this.#looks = every(
      SEAT_BEAT_MS,
      () => this.#look(),
      (error) => {
        const reason = describeError(error)
        deps.log.debug({ reason }, 'it is not known which pipelines are ours')
      },
    )
  }

  /** Whether leases under this term of the pipeline may be confirmed now. */
  isSure(id: PipelineId, term: number): boolean {
    const known = this.#known.get(id)
    if (known?.term !== term || !this.#deps.seat.isGood) return false
    return performance.now() - known.at < SEAT_MS
  }

  /**
   * It was found to be ours by a read, or made ours by a write, that began at this time of
   * `performance.now()`. A look that began before the end of the write may not have seen it.
   */
  note(id: PipelineId, term: number, { at, writtenAt = at }: Seen): void {
    this.#known.set(id, { term, at, writtenAt })
  }

  async #look(): Promise<void> {
    const at = performance.now()
    const ours = await this.#deps.store.pipelines.listOf(this.#deps.seat.id)
    for (const { id, term } of ours) this.#known.set(id, { term, at, writtenAt: at })
    for (const [id, known] of this.#known) {
      if (known.writtenAt >= at) continue
      this.#known.delete(id)
      this.#deps.onLost(id)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looks[Symbol.asyncDispose]()
  }
}

/** How it is known that a pipeline is ours, in times of `performance.now()`. */
export interface Seen {
  /** When the read or the write began that says so. */
  readonly at: number
  /** When the write had ended. */
  readonly writtenAt?: number
}

interface Known extends Required<Seen> {
  readonly term: number
}

export interface OwnershipDeps {
  readonly store: StoreReader
  readonly seat: Seat
  readonly log: Logger
  /** Called when a pipeline is not ours any more, or has ended. */
  readonly onLost: (id: PipelineId) => void
}
