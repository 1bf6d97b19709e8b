import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { AttemptRef, JobId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { Fences } from '../lease/fences.ts'
import type { KnownAttempt } from './known-attempt.ts'

/** A broken stream is usually reopened sooner than this. */
const ORPHAN_AFTER_MS = 3_000
/** Finished attempts are on disk, so many can wait for a long time. */
const MOST_FINISHED = 512
const FINISHED_KEPT_MS = 86_400_000
const MOST_ORPHANS_REPORTED = 200

/**
 * The attempts of a runner by job and number: running ones, and finished ones that are not yet
 * acknowledged. The latter are dropped once acknowledged, after a day, or when more than 512 wait.
 * A discarded attempt occupies its slot until it has really ended, and can't be resumed.
 */
export class KnownAttempts {
  readonly #log: Logger
  readonly #onChange: () => void
  readonly #attempts = new Map<string, KnownAttempt>()
  readonly #expiries = new Map<KnownAttempt, NodeJS.Timeout>()
  readonly #discarded = new WeakSet<KnownAttempt>()
  readonly #fences = new Fences()

  constructor(deps: { log: Logger; onChange: () => void }) {
    this.#log = deps.log
    this.#onChange = deps.onChange
  }

  /** The number of running attempts. */
  get running(): number {
    let running = 0
    for (const { isFinished } of this.#attempts.values()) if (!isFinished) running += 1
    return running
  }

  list(): KnownAttempt[] {
    return [...this.#attempts.values()]
  }

  /** Attempts that have had no reader for a while: running ones first, then the oldest. */
  get orphans(): readonly Orphan[] {
    const orphans = this.list().filter((attempt) => this.#isOrphan(attempt))
    return orphans
      .toSorted((a, b) => Number(a.isFinished) - Number(b.isFinished))
      .slice(0, MOST_ORPHANS_REPORTED)
      .map(({ ref, fence }) => ({ ...ref, fence }))
  }

  /** Whether a finished attempt is being read, or was until just now, and is not acknowledged. */
  get isReporting(): boolean {
    return this.list().some((attempt) => attempt.isFinished && !this.#isOrphan(attempt))
  }

  /**
   * The attempt, for a caller with this fencing token; undefined if it is not here. Throws `stale`
   * when a newer token of its job is known, or the attempt was discarded.
   */
  find(ref: AttemptRef, fence: number): KnownAttempt | undefined {
    this.#fences.raise(ref.jobId, fence)
    const attempt = this.#attempts.get(keyOf(ref))
    if (!attempt) return undefined
    if (this.#discarded.has(attempt)) {
      throw new NarwhalError('stale', `attempt ${keyOf(ref)} was discarded`)
    }
    attempt.fence = Math.max(attempt.fence, fence)
    return attempt
  }

  add(attempt: KnownAttempt): void {
    this.#attempts.set(keyOf(attempt.ref), attempt)
    if (attempt.isFinished) this.finish(attempt)
  }

  /** Adds an attempt of a previous process; its token counts. */
  addFormer(attempt: KnownAttempt): void {
    if (attempt.fence >= this.#fences.newest(attempt.ref.jobId)) {
      this.#fences.raise(attempt.ref.jobId, attempt.fence)
    }
    this.add(attempt)
  }

  /** The attempt has ended: its events now wait to be acknowledged. */
  finish(attempt: KnownAttempt): void {
    if (!this.#isKnown(attempt)) return
    if (this.#discarded.has(attempt)) return this.forget(attempt)
    const expire = () => this.forget(attempt)
    this.#expiries.set(attempt, setTimeout(expire, FINISHED_KEPT_MS).unref())
    const finished = this.list().filter(({ isFinished }) => isFinished)
    for (const oldest of finished.slice(0, -MOST_FINISHED)) this.forget(oldest)
  }

  /** Drops a finished attempt once all of its events are acknowledged. */
  acknowledge(attempt: KnownAttempt, throughSeq: number): void {
    attempt.events.acknowledge(throughSeq)
    attempt.readerSlot.wake()
    if (attempt.isFinished && attempt.events.isEmpty) this.forget(attempt)
  }

  /** Throws `not_found`, and `stale` when the attempt has a newer fencing token. */
  discard(ref: AttemptRef, fence: number): void {
    const attempt = this.#attempts.get(keyOf(ref))
    if (!attempt) throw new NarwhalError('not_found', `attempt ${keyOf(ref)} is not here`)
    if (fence < attempt.fence) {
      const message = `lease ${fence} of ${keyOf(ref)} is superseded by lease ${attempt.fence}`
      throw new NarwhalError('stale', message)
    }
    this.#discarded.add(attempt)
    attempt.stop({ outcome: 'cancelled', reason: 'it was discarded' })
    attempt.readerSlot.dismiss(new NarwhalError('stale', `attempt ${keyOf(ref)} was discarded`))
    attempt.events.discard()
    if (attempt.isFinished) this.forget(attempt)
    this.#onChange()
  }

  forget(attempt: KnownAttempt): void {
    if (!this.#isKnown(attempt)) return
    clearTimeout(this.#expiries.get(attempt))
    this.#expiries.delete(attempt)
    this.#attempts.delete(keyOf(attempt.ref))
    if (!attempt.events.isEmpty) {
      this.#log.warn(attempt.ref, 'attempt dropped: its end was never acknowledged')
    }
    attempt.events.discard()
    this.#onChange()
  }

  /** What is on disk stays: the next process offers it. */
  close(): void {
    for (const timer of this.#expiries.values()) clearTimeout(timer)
    this.#expiries.clear()
    this.#attempts.clear()
  }

  /** Call this when a reader has come to an attempt or left it. */
  readerChanged(): void {
    this.#onChange()
    // An attempt whose reader leaves now becomes an orphan later.
    setTimeout(this.#onChange, ORPHAN_AFTER_MS + 1).unref()
  }

  #isKnown(attempt: KnownAttempt): boolean {
    return this.#attempts.get(keyOf(attempt.ref)) === attempt
  }

  #isOrphan(attempt: KnownAttempt): boolean {
    const { idleSince = Infinity } = attempt.readerSlot
    return idleSince <= performance.now() - ORPHAN_AFTER_MS && !this.#discarded.has(attempt)
  }
}

export function keyOf({ jobId, attempt }: AttemptRef): `${JobId}/${number}` {
  return `${jobId}/${attempt}`
}
