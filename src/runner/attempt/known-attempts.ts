import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { AttemptRef, JobId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { Fences } from '../lease/fences.ts'
import type { KnownAttempt } from './known-attempt.ts'

/** A stream that broke is usually opened again sooner, in milliseconds. */
const ORPHAN_AFTER_MS = 3_000
/** Reports are on the disk, so that many can wait, and long. */
const MOST_FINISHED = 512
const FINISHED_KEPT_MS = 86_400_000
const MOST_ORPHANS_TOLD = 200

/**
 * The attempts that a runner has, by job and number: those that run, and those whose end is not
 * acknowledged. The latter are forgotten once it is, after a day, or when more than 512 such wait.
 * One that is discarded takes its slot until it has really ended, and is nobody's to resume.
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

  /** How many run. */
  get running(): number {
    let running = 0
    for (const { isFinished } of this.#attempts.values()) if (!isFinished) running += 1
    return running
  }

  list(): KnownAttempt[] {
    return [...this.#attempts.values()]
  }

  /** Attempts without a reader for a while; those that run, and then the oldest, first. */
  get orphans(): readonly Orphan[] {
    const orphans = this.list().filter((attempt) => this.#isOrphan(attempt))
    return orphans
      .toSorted((a, b) => Number(a.isFinished) - Number(b.isFinished))
      .slice(0, MOST_ORPHANS_TOLD)
      .map(({ ref, fence }) => ({ ...ref, fence }))
  }

  /** Whether somebody hears, or has just heard, the end of an attempt and has not acknowledged it. */
  get isTelling(): boolean {
    return this.list().some((attempt) => attempt.isFinished && !this.#isOrphan(attempt))
  }

  /**
   * The attempt, for somebody with this fencing token; undefined: it is not here. Throws `stale` when
   * a newer token of its job is known, or the attempt was discarded.
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

  /** Takes one of a former process; its token counts. */
  addFormer(attempt: KnownAttempt): void {
    if (attempt.fence >= this.#fences.newest(attempt.ref.jobId)) {
      this.#fences.raise(attempt.ref.jobId, attempt.fence)
    }
    this.add(attempt)
  }

  /** The attempt has ended: from now on its report waits to be acknowledged. */
  finish(attempt: KnownAttempt): void {
    if (!this.#isKnown(attempt)) return
    if (this.#discarded.has(attempt)) return this.forget(attempt)
    const expire = () => this.forget(attempt)
    this.#expiries.set(attempt, setTimeout(expire, FINISHED_KEPT_MS).unref())
    const finished = this.list().filter(({ isFinished }) => isFinished)
    for (const oldest of finished.slice(0, -MOST_FINISHED)) this.forget(oldest)
  }

  /** Forgets the attempt if all that it told has been acknowledged. */
  acknowledge(attempt: KnownAttempt, throughSeq: number): void {
    attempt.events.acknowledge(throughSeq)
    attempt.audience.wake()
    if (attempt.isFinished && attempt.events.isEmpty) this.forget(attempt)
  }

  /** Throws `not_found`, and `stale` when the attempt has a newer fencing token. */
  discard(ref: AttemptRef, fence: number): void {
    const attempt = this.#attempts.get(keyOf(ref))
    if (!attempt) throw new NarwhalError('not_found', `attempt ${keyOf(ref)} is not here`)
    if (fence < attempt.fence) {
      const words = `lease ${fence} of ${keyOf(ref)} is over: lease ${attempt.fence} is known`
      throw new NarwhalError('stale', words)
    }
    this.#discarded.add(attempt)
    attempt.stop({ outcome: 'cancelled', reason: 'it was discarded' })
    attempt.audience.dismiss(new NarwhalError('stale', `attempt ${keyOf(ref)} was discarded`))
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
      this.#log.warn(attempt.ref, 'the end of an attempt was never acknowledged and is forgotten')
    }
    attempt.events.discard()
    this.#onChange()
  }

  /** Forgets nothing that is on the disk: the next process offers it. */
  close(): void {
    for (const timer of this.#expiries.values()) clearTimeout(timer)
    this.#expiries.clear()
    this.#attempts.clear()
  }

  /** To be called when a reader has come to an attempt or left it. */
  readerChanged(): void {
    this.#onChange()
    // A reader that leaves now makes an orphan later.
    setTimeout(this.#onChange, ORPHAN_AFTER_MS + 1).unref()
  }

  #isKnown(attempt: KnownAttempt): boolean {
    return this.#attempts.get(keyOf(attempt.ref)) === attempt
  }

  #isOrphan(attempt: KnownAttempt): boolean {
    const { aloneSince = Infinity } = attempt.audience
    return aloneSince <= performance.now() - ORPHAN_AFTER_MS && !this.#discarded.has(attempt)
  }
}

export function keyOf({ jobId, attempt }: AttemptRef): `${JobId}/${number}` {
  return `${jobId}/${attempt}`
}
