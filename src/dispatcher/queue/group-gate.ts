import { groupThatMoves } from '../../contract/live/event-message.ts'
import type { ToldEvent } from '../../contract/live/live-event.ts'
import { type GroupMember, supersededBy, supersederOf } from '../../core/concurrency/concurrency.ts'
import type { GroupPlace } from '../../core/concurrency/group-places.ts'
import { type GroupWait, whyGroupIsFull } from '../../core/concurrency/group-wait.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreReader } from '../../store/store.ts'
import type { JobQueue, ListedQueue, QueueEntry, Waiting } from './job-queue.ts'

/** How long a place may stay free when nobody has heard that it is; in milliseconds. */
const LOOK_MS = 5_000

/** A job that waits, with the places in groups that it needs besides a runner. */
export interface GroupedWaiting extends Waiting {
  readonly groups: readonly GroupPlace[]
}

/** A job that is ready, and what to do when a place is found. */
export interface GroupedEntry extends GroupedWaiting, QueueEntry {
  readonly pipelineNumber: number
  /** The full ref that its pipeline is for. */
  readonly ref: string
  /** A person has run it again: what was newer then does not make it needless. */
  readonly isAgain: boolean
}

export interface GroupGateDeps {
  readonly queue: Pick<JobQueue, 'add' | 'remove' | 'list' | 'length'>
  readonly store: Pick<StoreReader, 'groups'>
  /** Does it again and again while the store is away. */
  readonly retryWhileUnavailable: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Ends a pipeline, or one job of it, whoever sees it through. */
  readonly cancel: (
    pipelineId: PipelineId,
    jobId: JobId | undefined,
    reason: string,
  ) => Promise<void>
  readonly log: Logger
}

/**
 * Stands before the queue: a job that needs a place in a group gets into the queue only when there
 * is one, so that it is never in the way of others. The gate only looks; the place is taken in the
 * transaction that assigns the job, and whoever came too late is back here at once.
 *
 * It looks when a job comes, and when it hears of one in the same group that has ended or waits
 * again, here or at another dispatcher.
 */
export class GroupGate implements Disposable {
  readonly #deps: GroupGateDeps
  readonly #held = new Map<JobId, GroupedEntry>()
  /** Those that are to be looked at; `fresh` ones have superseded nobody yet. */
  readonly #due = new Set<JobId>()
  readonly #fresh = new Set<JobId>()
  readonly #timer: NodeJS.Timeout
  #isLooking = false

  constructor(deps: GroupGateDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#wake(this.#held.keys()), LOOK_MS).unref()
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

  /** To be called with every change that is told, here or by another dispatcher. */
  hear(event: ToldEvent): void {
    if (this.#held.size === 0) return
    const group = groupThatMoves(event)
    if (group === undefined) return
    const waiting = [...this.#held.values()].filter(({ groups }) =>
      groups.some(({ concurrency }) => concurrency.group === group),
    )
    this.#wake(waiting.map(({ job }) => job.jobId))
  }

  /** The first of all that waits, at most `limit`, in its order, with the reason why. */
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
    if (this.#isLooking || this.#due.size === 0) return
    this.#isLooking = true
    void this.#look()
  }

  async #look(): Promise<void> {
    try {
      while (this.#due.size > 0) {
        const due = [...this.#due]
        this.#due.clear()
        const groups = new Groups(this.#deps.store)
        for (const id of due) await this.#considerPatiently(id, groups)
      }
    } catch (error) {
      // The dispatcher stops.
      this.#deps.log.debug({ err: error }, 'groups are looked at no more')
    } finally {
      this.#isLooking = false
    }
  }

  /** Rejects only when the dispatcher stops; what goes wrong otherwise is tried again at the next look. */
  async #considerPatiently(id: JobId, groups: Groups): Promise<void> {
    try {
      await this.#deps.retryWhileUnavailable(() => this.#consider(id, groups))
    } catch (error) {
      if (NarwhalError.from(error).code === 'cancelled') throw error
      this.#deps.log.warn({ err: error, job: id }, 'a group could not be looked at')
    }
  }

  async #consider(id: JobId, groups: Groups): Promise<void> {
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
    const { pipelineNumber } = entry
    for (const place of entry.groups) {
      const { group, cancelsSuperseded } = place.concurrency
      if (!cancelsSuperseded) continue
      const members = await groups.read(place)
      const newer = entry.isAgain ? undefined : supersederOf(members, entry)
      if (newer) {
        const own = { id: place.id, pipelineId: entry.pipelineId }
        await this.#end(own, `superseded in ${group} by pipeline #${newer.pipelineNumber}`)
      }
      for (const older of supersededBy(members, entry)) {
        await this.#end(older, `superseded in ${group} by pipeline #${pipelineNumber}`)
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
      // It has ended by itself meanwhile.
      if (NarwhalError.from(error).code !== 'conflict') throw error
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#held.clear()
    this.#due.clear()
  }
}

/** The groups as they were at one look, each read once. */
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
