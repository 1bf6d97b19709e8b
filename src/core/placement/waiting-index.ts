import type { JobId, RepositoryId } from '../ids.ts'
import { IndexedHeap } from './indexed-heap.ts'
import type { WaitingJob } from './placement.ts'
import { compareJobs, levelOf } from './queue-order.ts'
import { wantsContainers } from './requirements.ts'
import { compareRanked, type Ranked, takeTurns } from './take-turns.ts'

/** Jobs that the same runners can take: if one can be placed, so can any other. */
export interface JobClass<Entry> {
  readonly key: string
  /** The one to be placed first; undefined if none is left. */
  readonly first: Entry | undefined
}

interface Item<Entry> extends Ranked {
  readonly entry: Entry
}

interface Lane<Entry> {
  readonly repositoryId: RepositoryId
  readonly of: Class<Entry>
  readonly items: IndexedHeap<Item<Entry>>
}

class Class<Entry> implements JobClass<Entry> {
  readonly key: string
  readonly byRepository = new Map<RepositoryId, Lane<Entry>>()
  readonly lanes: IndexedHeap<Lane<Entry>>

  constructor(key: string, compareLanes: (a: Lane<Entry>, b: Lane<Entry>) => number) {
    this.key = key
    this.lanes = new IndexedHeap(compareLanes)
  }

  get first(): Entry | undefined {
    return this.lanes.first?.items.first?.entry
  }
}

/**
 * The queued jobs, indexed so that the next one to be placed is found without visiting the others, in the
 * order of `orderQueue`. Adding, removing and finding a job take O(log n), finding the first of all
 * O(classes).
 *
 * Within a class and repository the order never changes, since ageing follows the clock's marks; repositories
 * change places when one of their jobs gets or releases a slot.
 */
export class WaitingIndex<Entry extends { readonly job: WaitingJob }> {
  readonly #classes = new Map<string, Class<Entry>>()
  readonly #places = new Map<JobId, { lane: Lane<Entry>; item: Item<Entry> }>()
  readonly #lanesOf = new Map<RepositoryId, Set<Lane<Entry>>>()
  readonly #running = new Map<RepositoryId, number>()

  get size(): number {
    return this.#places.size
  }

  /** How many jobs of each repository hold a slot. */
  get running(): ReadonlyMap<RepositoryId, number> {
    return this.#running
  }

  entries(): Entry[] {
    return [...this.#places.values()].map(({ item }) => item.entry)
  }

  has(jobId: JobId): boolean {
    return this.#places.has(jobId)
  }

  /**
   * Lazily, all in the order of `orderQueue`, merged with others that wait elsewhere: the first k take
   * O(lanes + k log n). The index must not change meanwhile.
   */
  *inOrder<Other extends { readonly job: WaitingJob }>(
    others: readonly Other[],
    now: number,
  ): Generator<Entry | Other, void, undefined> {
    const own = [...this.#classes.values()].flatMap((of) => [...of.byRepository.values()])
    const lines: Iterator<Item<Entry | Other>, void>[] = own.map(({ items }) => items.inOrder())
    const elsewhere = Map.groupBy(others, ({ job }) => job.repositoryId)
    for (const entries of elsewhere.values()) {
      const items = entries.map((entry) => itemOf(entry, now))
      lines.push(items.toSorted(compareRanked).values())
    }
    for (const { entry } of takeTurns(lines, this.#running)) yield entry
  }

  /** Adds a job, or replaces the one with the same id. `now`: epoch milliseconds. */
  add(entry: Entry, now: number): void {
    const { job } = entry
    this.remove(job.jobId)
    const item = itemOf(entry, now)
    const lane = this.#laneOf(job)
    lane.items.add(item)
    if (lane.items.size === 1) lane.of.lanes.add(lane)
    else lane.of.lanes.update(lane)
    this.#places.set(job.jobId, { lane, item })
  }

  remove(jobId: JobId): void {
    const place = this.#places.get(jobId)
    if (!place) return
    this.#places.delete(jobId)
    const { lane, item } = place
    lane.items.remove(item)
    if (lane.items.size > 0) lane.of.lanes.update(lane)
    else this.#dropLane(lane)
  }

  /** Counts a slot that a job of the repository got (1) or released (-1). */
  count(repositoryId: RepositoryId, by: 1 | -1): void {
    const running = (this.#running.get(repositoryId) ?? 0) + by
    if (running > 0) this.#running.set(repositoryId, running)
    else this.#running.delete(repositoryId)
    for (const lane of this.#lanesOf.get(repositoryId) ?? []) lane.of.lanes.update(lane)
  }

  /** The classes that have jobs. */
  classes(): JobClass<Entry>[] {
    return [...this.#classes.values()]
  }

  /** The entry to be placed first among these classes. */
  firstOf(classes: Iterable<JobClass<Entry>>): Entry | undefined {
    let best: Lane<Entry> | undefined
    for (const { key } of classes) {
      const lane = this.#classes.get(key)?.lanes.first
      if (lane && (!best || this.#compareLanes(lane, best) < 0)) best = lane
    }
    return best?.items.first?.entry
  }

  #laneOf(job: WaitingJob): Lane<Entry> {
    const key = classKey(job)
    const { repositoryId } = job
    let of = this.#classes.get(key)
    if (!of) {
      of = new Class(key, (a, b) => this.#compareLanes(a, b))
      this.#classes.set(key, of)
    }
    let lane = of.byRepository.get(repositoryId)
    if (!lane) {
      lane = { repositoryId, of, items: new IndexedHeap<Item<Entry>>(compareRanked) }
      of.byRepository.set(repositoryId, lane)
      const lanes = this.#lanesOf.get(repositoryId) ?? new Set()
      this.#lanesOf.set(repositoryId, lanes.add(lane))
    }
    return lane
  }

  #dropLane(lane: Lane<Entry>): void {
    const { of, repositoryId } = lane
    of.lanes.remove(lane)
    of.byRepository.delete(repositoryId)
    if (of.byRepository.size === 0) this.#classes.delete(of.key)
    const lanes = this.#lanesOf.get(repositoryId)
    lanes?.delete(lane)
    if (lanes?.size === 0) this.#lanesOf.delete(repositoryId)
  }

  /** By the first job of each; its rank is the number of its repository's running jobs. */
  #compareLanes(a: Lane<Entry>, b: Lane<Entry>): number {
    const [one, other] = [a.items.first, b.items.first]
    if (!one || !other) return 0
    const running = (lane: Lane<Entry>): number => this.#running.get(lane.repositoryId) ?? 0
    return other.level - one.level || running(a) - running(b) || compareJobs(one.job, other.job)
  }
}

function itemOf<Entry extends { readonly job: WaitingJob }>(
  entry: Entry,
  now: number,
): Item<Entry> {
  return { entry, job: entry.job, level: levelOf(entry.job, now) }
}

/** Everything that `chooseRunner` filters by: jobs with the same key can be placed on the same runners. */
export function classKey(job: WaitingJob): string {
  const { labels, avoid, isStranger = false, secrets = [] } = job
  const containers = wantsContainers(job)
  if (avoid.length === 0 && labels.length === 0 && !isStranger && secrets.length === 0) {
    return containers ? 'containers' : 'plain'
  }
  return JSON.stringify([containers, isStranger, labels.toSorted(), avoid, secrets])
}
