import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../lib/log.ts'
import { newId } from '../../lib/new-id.ts'
import { removeFolder } from '../../lib/remove-folder.ts'
import type { JobMask } from '../masking/job-mask.ts'
import { type AttemptFacts, AttemptFiles } from './attempt-files.ts'
import { EventSpool, type SpoolRoom } from './event-spool.ts'
import { closingEvents } from './progress.ts'
import { type LeftAttempt, recoverAttempt } from './recover-attempt.ts'

/** An attempt that a previous process of this runner left, ready to be read to its end. */
export interface RecoveredAttempt extends AttemptFacts {
  /** Whether it had finished; otherwise its last events are generated, with the fault `runner`. */
  readonly hadFinished: boolean
  readonly events: EventSpool
}

export interface SpoolsDeps {
  readonly log: Logger
  /** For messages about attempts that were interrupted by a restart. */
  readonly runnerName: string
}

export interface SpoolLimits {
  /** The limit of one attempt on disk, at which its writer has to wait; 256 MB. */
  readonly attemptBytes: number
  /** The limit of all attempts together; 2 GB. */
  readonly totalBytes: number
}

const DEFAULTS: SpoolLimits = { attemptBytes: 256 * 2 ** 20, totalBytes: 2 * 2 ** 30 }
const SEGMENT_BYTES = 4 * 2 ** 20

/**
 * The runner's spool: the events of its attempts that are not yet acknowledged, in one folder per
 * attempt, which is removed once its last event is acknowledged. What a previous process left is
 * offered once, in `recovered`, and is then treated like the others.
 */
export class Spools implements AsyncDisposable {
  readonly #folder: string
  readonly #deps: SpoolsDeps
  readonly #room: SpoolRoom
  readonly #limits: SpoolLimits
  readonly #spools = new Map<EventSpool, AttemptFiles>()
  readonly #troubles = new Map<EventSpool, string>()
  readonly #removals = new Set<Promise<void>>()
  readonly #recovered: RecoveredAttempt[] = []
  #bytes = 0

  /**
   * Creates the folder if it is missing, and recovers what is in it. Invalid entries are removed and
   * unreadable ones skipped, both with a warning; rejects with the system's error if the folder can't
   * be created or listed.
   */
  static async open(
    folder: string,
    deps: SpoolsDeps,
    limits: Partial<SpoolLimits> = {},
  ): Promise<Spools> {
    const spools = new Spools(folder, deps, { ...DEFAULTS, ...limits })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // The folders of one attempt sort by age: the newest wins.
    for (const name of (await readdir(folder)).toSorted()) await spools.#recover(name)
    return spools
  }

  private constructor(folder: string, deps: SpoolsDeps, limits: SpoolLimits) {
    this.#folder = folder
    this.#deps = deps
    this.#limits = limits
    this.#room = {
      attemptBytes: limits.attemptBytes,
      isFull: () => this.#bytes > limits.totalBytes,
      report: (spool, trouble) => this.#report(spool, trouble),
      release: (spool, stopped) => this.#release(spool, stopped),
    }
  }

  /** What previous processes left, ordered by job id, which means by age. */
  get recovered(): readonly RecoveredAttempt[] {
    return this.#recovered
  }

  /** The size of the spool on disk. */
  get bytes(): number {
    return this.#bytes
  }

  /** Empty while events can be written, otherwise a message. Writes are retried. */
  get trouble(): string {
    const [trouble] = this.#troubles.values()
    if (trouble === undefined) return this.#describeFullness()
    return `can't write to the spool in ${this.#folder}: ${trouble}; jobs that print much wait until there is room`
  }

  /** Starts the spool of an attempt; `onAppend` is called after each event. Never throws. */
  create(facts: AttemptFacts, onAppend: () => void, mask?: JobMask): EventSpool {
    const name = `${facts.jobId}-${facts.attempt}-${newId('life').slice('life_'.length)}`
    const files = this.#filesOf(name, facts)
    const spool = new EventSpool(onAppend, { files, room: this.#room }, { mask })
    this.#spools.set(spool, files)
    return spool
  }

  /** Flushes and closes all spools; what is on disk stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ends = Array.from(this.#spools.keys(), async (spool) => {
      await spool.close().catch((err: unknown) => {
        this.#deps.log.error({ err }, 'events lost: an attempt could not be flushed to the spool')
      })
    })
    await Promise.all(ends)
    await Promise.all(this.#removals)
  }

  #filesOf(name: string, facts: AttemptFacts, left?: LeftAttempt): AttemptFiles {
    const { attemptBytes } = this.#limits
    const options = {
      folder: join(this.#folder, name),
      facts,
      segmentBytes: Math.min(SEGMENT_BYTES, Math.ceil(attemptBytes / 4)),
      onBytes: (change: number) => this.#count(change),
    }
    return new AttemptFiles(options, left)
  }

  /** Once there is room again, all that wait for it continue. */
  #count(change: number): void {
    const { totalBytes } = this.#limits
    const wasFull = this.#bytes > totalBytes
    this.#bytes += change
    if (!wasFull || this.#bytes > totalBytes) return
    for (const spool of this.#spools.keys()) spool.reconsider()
  }

  #report(spool: EventSpool, trouble: string): void {
    if (!this.#spools.has(spool)) return
    const hadTrouble = this.#troubles.size > 0
    if (trouble === '') this.#troubles.delete(spool)
    else this.#troubles.set(spool, trouble)
    const hasTrouble = this.#troubles.size > 0
    if (hasTrouble === hadTrouble) return
    if (hasTrouble) this.#deps.log.error({ trouble }, "can't write to the spool")
    else this.#deps.log.info('spool writable again')
  }

  #describeFullness(): string {
    const { totalBytes } = this.#limits
    if (this.#bytes <= totalBytes) return ''
    const megabytes = Math.round(this.#bytes / 2 ** 20)
    return `the spool in ${this.#folder} is full: ${megabytes} MB wait to be acknowledged by a dispatcher`
  }

  #release(spool: EventSpool, stopped: Promise<void>): void {
    const files = this.#spools.get(spool)
    this.#spools.delete(spool)
    this.#troubles.delete(spool)
    if (!files) return
    const removal = stopped
      .then(() => files.remove())
      .catch((err: unknown) => this.#deps.log.warn({ err }, "can't remove the spool of an attempt"))
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  async #recover(name: string): Promise<void> {
    const { log, runnerName } = this.#deps
    const path = join(this.#folder, name)
    let left: LeftAttempt | undefined
    try {
      left = await recoverAttempt(path)
      if (!left) await removeFolder(path)
    } catch (err) {
      // It stays: perhaps the next process can read it.
      log.warn({ err, path }, 'spool entry skipped: unreadable')
      return
    }
    if (!left) {
      log.warn({ path }, 'spool entry removed: no valid header')
      return
    }
    const { facts, progress, lastSeq, isDamaged } = left
    const { jobId, attempt, fence, steps, instanceId } = facts
    const hadFinished = progress.isFinished
    const at = Date.now()
    const interruption = { progress, steps, instanceId, runnerName, isDamaged, at }
    const ending = hadFinished ? [] : closingEvents(interruption)
    const files = this.#filesOf(name, facts, left)
    const events = new EventSpool(
      () => {},
      { files, room: this.#room },
      { left: { lastSeq, ending } },
    )
    this.#spools.set(events, files)
    const older = this.#recovered.findIndex((one) => one.jobId === jobId && one.attempt === attempt)
    if (older >= 0) this.#recovered.splice(older, 1)[0]?.events.discard()
    this.#recovered.push({ jobId, attempt, fence, steps, instanceId, hadFinished, events })
    log.info({ jobId, attempt, hadFinished, isDamaged }, 'attempt of a previous process recovered')
  }
}
