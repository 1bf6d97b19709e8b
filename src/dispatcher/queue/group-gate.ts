import { groupThatMoves } from '../../contract/live/event-message.ts'
import type { PublishedEvent } from '../../contract/live/live-event.ts'
import {
  type GroupMember,
  SUPERSEDED_IN,
  supersededBy,
  supersederOf,
} from '../../core/concurrency/concurrency.ts'
import type { GroupPlace } from '../../core/concurrency/group-places.ts'
import { type GroupWait, whyGroupIsFull } from '../../core/concurrency/group-wait.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Reads } from '../../store/store.ts'
import type { JobQueue, ListedQueue, QueueEntry, Waiting } from './job-queue.ts'

/** How long a place may stay free if an event was lost; in milliseconds. */
const POLL_MS = 5_000

/** A waiting job, with the places in groups that it needs besides a runner. */
export interface GroupedWaiting extends Waiting {
  readonly groups: readonly GroupPlace[]
}

/** A job that is ready, and what to do when it is placed. */
export interface GroupedEntry extends GroupedWaiting, QueueEntry {
  readonly pipelineNumber: number
  /** The full ref of its pipeline. */
  readonly ref: string
  /** It was rerun by a person: earlier newer ones don't supersede it. */
  readonly isAgain: boolean
  /** Its commit is older than those of the other pipelines of its ref, whatever their numbers. */
  readonly isLate: boolean
}

export interface GroupGateDeps {
  readonly queue: Pick<JobQueue, 'add' | 'remove' | 'list' | 'length'>
  readonly store: Reads<'groups'>
  readonly retryWhileUnavailable: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Cancels a pipeline, or one of its jobs, whichever dispatcher owns it. */
  readonly cancel: (
    pipelineId: PipelineId,
    jobId: JobId | undefined,
    reason: string,
  ) => Promise<void>
  readonly log: Logger
}

/**
 * Enforces concurrency limits before the queue: a job that needs a place in a group is queued only when there
 * is one, so that it never blocks others. The gate only reads; the place is taken in the transaction that
 * assigns the job, and a job that was too late comes back here at once.
 *
 * It checks when a job is added, and when a job of the same group has ended or waits again, here or at
 * another dispatcher.
 */
export class GroupGate implements Disposable {
  readonly #deps: GroupGateDeps
  readonly #held = new Map<JobId, GroupedEntry>()
  /** Jobs to be checked; `fresh` ones have superseded nobody yet. */
  readonly #due = new Set<JobId>()
  readonly #fresh = new Set<JobId>()
  readonly #timer: NodeJS.Timeout
  #isChecking = false

  constructor(deps: GroupGateDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#wake(this.#held.keys()), POLL_MS).unref()
  }

  get length(): number {
    return this.#held.size + this.#deps.queue.length
  }

  add(entry: GroupedEntry): void {
    if (entry.groups.length === 0) return this.#deps.queue.add(entry)
    const { jobId } = entry.job
    this.#held.set(jobId, entry)
    this.#fresh.add(jobId)
    this.#wake([jobId])
  }

  remove(jobId: JobId): void {
    this.#held.delete(jobId)
    this.#fresh.delete(jobId)
    this.#deps.queue.remove(jobId)
  }

  /** To be called with every published event, of this or another dispatcher. */
  onEvent(event: PublishedEvent): void {
    if (this.#held.size === 0) return
    const group = groupThatMoves(event)
    if (group === undefined) return
    const waiting = [...this.#held.values()].filter(({ groups }) =>
      groups.some(({ concurrency }) => concurrency.group === group),
    )
    this.#wake(waiting.map(({ job }) => job.jobId))
  }

  /** The first waiting jobs in queue order, at most `limit`, with the reason why each waits. */
  async list(limit: number, elsewhere: readonly GroupedWaiting[] = []): Promise<ListedQueue> {
    const waiting = [...elsewhere, ...this.#held.values()]
    const groups = new Groups(this.#deps.store)
    const reasons = new Map<JobId, GroupWait>()
    for (const { job, groups: places } of waiting) {
      const reason = await groups.whyNot(places)
      if (reason !== undefined) reasons.set(job.jobId, reason)
    }
    return this.#deps.queue.list(limit, waiting, reasons)
  }

  #wake(jobs: Iterable<JobId>): void {
    for (const id of jobs) this.#due.add(id)
    if (this.#isChecking || this.#due.size === 0) return
    this.#isChecking = true
    void this.#checkDue()
  }

  async #checkDue(): Promise<void> {
    try {
      while (this.#due.size > 0) {
        const due = [...this.#due]
        this.#due.clear()
        const groups = new Groups(this.#deps.store)
        for (const id of due) await this.#tryCheck(id, groups)
      }
    } catch (error) {
      this.#deps.log.debug({ err: error }, 'the dispatcher stops: groups are no longer checked')
    } finally {
      this.#isChecking = false
    }
  }

  /** Rejects only when the dispatcher stops; other failures are retried at the next poll. */
  async #tryCheck(id: JobId, groups: Groups): Promise<void> {
    try {
      await this.#deps.retryWhileUnavailable(() => this.#check(id, groups))
    } catch (error) {
      if (NarwhalError.from(error).code === 'cancelled') throw error
      this.#deps.log.warn({ err: error, job: id }, 'checking a concurrency group failed')
    }
  }

  async #check(id: JobId, groups: Groups): Promise<void> {
    const entry = this.#held.get(id)
    if (!entry) return
    if (this.#fresh.has(id)) await this.#supersede(entry, groups)
    this.#fresh.delete(id)
    const reason = await groups.whyNot(entry.groups)
    if (reason !== undefined || this.#held.get(id) !== entry) return
    this.#held.delete(id)
    this.#deps.queue.add(entry)
  }

  async #supersede(entry: GroupedEntry, groups: Groups): Promise<void> {
    const { ref, pipelineNumber } = entry
    const rank = { ref, pipelineNumber: entry.isLate ? 0 : pipelineNumber }
    for (const place of entry.groups) {
      const { group, cancelsSuperseded } = place.concurrency
      if (!cancelsSuperseded) continue
      const members = await groups.read(place)
      const others = members.filter(({ pipelineId }) => pipelineId !== entry.pipelineId)
      const newer = entry.isAgain ? undefined : supersederOf(others, rank)
      if (newer) {
        const own = { id: place.id, pipelineId: entry.pipelineId }
        await this.#end(own, `${SUPERSEDED_IN}${group} by pipeline #${newer.pipelineNumber}`)
      }
      for (const older of supersededBy(others, rank)) {
        await this.#end(older, `${SUPERSEDED_IN}${group} by pipeline #${pipelineNumber}`)
      }
    }
  }

  async #end(
    { id, pipelineId }: Pick<GroupMember, 'id' | 'pipelineId'>,
    reason: string,
  ): Promise<void> {
    try {
      await this.#deps.cancel(pipelineId, id === pipelineId ? undefined : (id as JobId), reason)
    } catch (error) {
      // It has already ended.
      if (NarwhalError.from(error).code !== 'conflict') throw error
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#held.clear()
    this.#due.clear()
  }
}

/** The groups during one check, each read once. */
class Groups {
  readonly #store: GroupGateDeps['store']
  readonly #known = new Map<string, Promise<GroupMember[]>>()

  constructor(store: GroupGateDeps['store']) {
    this.#store = store
  }

  read({ repositoryId, concurrency }: GroupPlace): Promise<GroupMember[]> {
    const { group, ofStrangers = false } = concurrency
    const key = `${repositoryId} ${ofStrangers} ${group}`
    const known = this.#known.get(key) ?? this.#store.groups.list(repositoryId, group, ofStrangers)
    this.#known.set(key, known)
    return known
  }

  async whyNot(places: readonly GroupPlace[]): Promise<GroupWait | undefined> {
    for (const place of places) {
      const reason = whyGroupIsFull(await this.read(place), place.id, place.concurrency)
      if (reason !== undefined) return reason
    }
    return undefined
  }
}
