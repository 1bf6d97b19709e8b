import type { RepositoryId } from '../ids.ts'
import { IndexedHeap } from './indexed-heap.ts'
import type { WaitingJob } from './placement.ts'
import { compareJobs } from './queue-order.ts'

export interface Ranked {
  readonly job: WaitingJob
  readonly level: number
}

/** The order of one repository's jobs. */
export function compareRanked(a: Ranked, b: Ranked): number {
  return b.level - a.level || compareJobs(a.job, b.job)
}

/** The first job of a line, and the rest of it. */
interface Head<Item> {
  item: Item
  readonly rest: Iterator<Item, void>
}

/**
 * Lazily merges sorted lines of jobs, each of one repository, into the order of `orderQueue`: the one with
 * the fewest of its repository before it comes next.
 */
export function* takeTurns<Item extends Ranked>(
  lines: readonly Iterator<Item, void>[],
  running: ReadonlyMap<RepositoryId, number>,
): Generator<Item, void, undefined> {
  const before = new Map(running)
  const rank = ({ item }: Head<Item>): number => before.get(item.job.repositoryId) ?? 0
  const heads = new IndexedHeap<Head<Item>>(
    (a, b) =>
      b.item.level - a.item.level || rank(a) - rank(b) || compareJobs(a.item.job, b.item.job),
  )
  const ofRepository = new Map<RepositoryId, Set<Head<Item>>>()
  for (const rest of lines) {
    const { value: item } = rest.next()
    if (!item) continue
    const head = { item, rest }
    heads.add(head)
    const { repositoryId } = item.job
    ofRepository.set(repositoryId, (ofRepository.get(repositoryId) ?? new Set()).add(head))
  }
  for (let head = heads.first; head; head = heads.first) {
    const { item } = head
    yield item
    const { repositoryId } = item.job
    heads.remove(head)
    const { value: next } = head.rest.next()
    const mates = ofRepository.get(repositoryId)
    if (next) head.item = next
    else mates?.delete(head)
    // The ranks of all of them change at once, which a heap can't follow: they are removed meanwhile.
    for (const mate of mates ?? []) heads.remove(mate)
    before.set(repositoryId, (before.get(repositoryId) ?? 0) + 1)
    for (const mate of mates ?? []) heads.add(mate)
  }
}
