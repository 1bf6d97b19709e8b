import { SEAT_BEAT_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import type { PipelineId } from '../../core/ids.ts'
import { every } from '../../lib/async/every.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Reads } from '../../store/store.ts'
import type { Seat } from './seat.ts'

/**
 * Knows which pipelines are ours, by polling the store: another dispatcher may take one over for a command
 * while this one is alive. A pipeline counts as ours for SEAT_MS from the start of a poll that found it so;
 * so the new owner knows until when we may have confirmed a lease of it.
 */
export class Ownership implements AsyncDisposable {
  readonly #deps: OwnershipDeps
  readonly #known = new Map<PipelineId, Known>()
  readonly #polling: AsyncDisposable

  constructor(deps: OwnershipDeps) {
    this.#deps = deps
    this.#polling = every(
      SEAT_BEAT_MS,
      () => this.#poll(),
      (error) => {
        const reason = describeError(error)
        deps.log.debug({ reason }, 'reading which pipelines are ours failed')
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
   * A read found it to be ours, or a write made it ours, that began at `at` by `performance.now()`. A poll
   * that began before the end of the write may not have seen it.
   */
  note(id: PipelineId, term: number, { at, writtenAt = at }: Seen): void {
    this.#known.set(id, { term, at, writtenAt })
  }

  async #poll(): Promise<void> {
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
    await this.#polling[Symbol.asyncDispose]()
  }
}

/** When a pipeline was seen to be ours, by `performance.now()`. */
export interface Seen {
  /** When the read or write began. */
  readonly at: number
  /** When the write ended. */
  readonly writtenAt?: number
}

interface Known extends Required<Seen> {
  readonly term: number
}

export interface OwnershipDeps {
  readonly store: Reads<'pipelines'>
  readonly seat: Seat
  readonly log: Logger
  /** Called when a pipeline is no longer ours, or has ended. */
  readonly onLost: (id: PipelineId) => void
}
