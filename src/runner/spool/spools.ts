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

/** An attempt that a former process of this runner left, ready to be read to its end. */
export interface RecoveredAttempt extends AttemptFacts {
  /** Whether it had ended by itself; else its last events are made up, with the fault `runner`. */
  readonly hadFinished: boolean
  readonly events: EventSpool
}

export interface SpoolsDeps {
  readonly log: Logger
  /** The runner's name, for the words about an attempt that a start cut off. */
  readonly runnerName: string
}

export interface SpoolLimits {
  /** Bytes that the disk may hold of one attempt before its writer waits; 256 MB. */
  readonly attemptBytes: number
  /** Bytes that the disk may hold of all attempts together; 2 GB. */
  readonly totalBytes: number
}

const DEFAULTS: SpoolLimits = { attemptBytes: 256 * 2 ** 20, totalBytes: 2 * 2 ** 30 }
const SEGMENT_BYTES = 4 * 2 ** 20

/**
 * The runner's spool: a folder with what its attempts told and nobody acknowledged yet, in one
 * folder for each attempt. An attempt's folder goes when its last event has been acknowledged. What a
 * former process left is offered once, in `recovered`, and lives on like the others.
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
   * Makes the folder if it is missing and reads what is in it. What can't be understood is removed,
   * what can't be read is left out, both with a warning; rejects with the system's words when the
   * folder can't be made or listed.
   */
  static async open(
    folder: string,
    deps: SpoolsDeps,
    limits: Partial<SpoolLimits> = {},
  ): Promise<Spools> {
    const spools = new Spools(folder, deps, { ...DEFAULTS, ...limits })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // The names of one attempt sort by age: the newest of them counts.
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
      tell: (spool, trouble) => this.#tell(spool, trouble),
      release: (spool, stopped) => this.#release(spool, stopped),
    }
  }

  /** What former processes left, by the ids of the jobs, which sort by age. */
  get recovered(): readonly RecoveredAttempt[] {
    return this.#recovered
  }

  /** Bytes that the spool takes on the disk. */
  get bytes(): number {
    return this.#bytes
  }

  /** Empty while the disk takes everything; else what is wrong, in words. It is tried again. */
  get trouble(): string {
    const [words] = this.#troubles.values()
    if (words === undefined) return this.#describeFullness()
    return `cannot write to the spool in ${this.#folder}: ${words}; jobs that print much wait until there is room`
  }

  /** Begins the spool of an attempt; `onAppend` is called after each event. Never throws. */
  create(facts: AttemptFacts, onAppend: () => void, mask?: JobMask): EventSpool {
    const name = `${facts.jobId}-${facts.attempt}-${newId('life').slice('life_'.length)}`
    const files = this.#filesOf(name, facts)
    const spool = new EventSpool(onAppend, { files, room: this.#room }, { mask })
    this.#spools.set(spool, files)
    return spool
  }

  /** Brings to the disk what is not there yet and gives it up; what is kept stays there. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ends = Array.from(this.#spools.keys(), async (spool) => {
      await spool.close().catch((err: unknown) => {
        this.#deps.log.error({ err }, 'events of an attempt did not come to the disk and are lost')
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

  /** Where there is room again, all who wait for it are told. */
  #count(change: number): void {
    const { totalBytes } = this.#limits
    const wasFull = this.#bytes > totalBytes
    this.#bytes += change
    if (!wasFull || this.#bytes > totalBytes) return
    for (const spool of this.#spools.keys()) spool.reconsider()
  }

  #tell(spool: EventSpool, trouble: string): void {
    if (!this.#spools.has(spool)) return
    const hadTrouble = this.#troubles.size > 0
    if (trouble === '') this.#troubles.delete(spool)
    else this.#troubles.set(spool, trouble)
    const hasTrouble = this.#troubles.size > 0
    if (hasTrouble === hadTrouble) return
    if (hasTrouble) this.#deps.log.error({ trouble }, 'the spool can not be written')
    else this.#deps.log.info('the spool can be written again')
  }

  #describeFullness(): string {
    const { totalBytes } = this.#limits
    if (this.#bytes <= totalBytes) return ''
    const megabytes = Math.round(this.#bytes / 2 ** 20)
    return `the spool in ${this.#folder} is full: ${megabytes} MB wait for a dispatcher to take them`
  }

  #release(spool: EventSpool, stopped: Promise<void>): void {
    const files = this.#spools.get(spool)
    this.#spools.delete(spool)
    this.#troubles.delete(spool)
    if (!files) return
    const removal = stopped
      .then(() => files.remove())
      .catch((err: unknown) => this.#deps.log.warn({ err }, 'a spool could not be removed'))
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
      // It stays where it is: perhaps the next process can read it.
      log.warn({ err, path }, 'a part of the spool can not be read and is left out')
      return
    }
    if (!left) {
      log.warn({ path }, 'a part of the spool did not say what it is and is removed')
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
    log.info({ jobId, attempt, hadFinished, isDamaged }, 'an attempt of a former process is kept')
  }
}
