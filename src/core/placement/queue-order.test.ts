import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RepositoryId } from '../ids.ts'
import type { WaitingJob } from './placement.ts'
import { orderQueue } from './queue-order.ts'

const MINUTE = 60_000
/** Shortly before the clock has full ten minutes. */
const NOW = 1_009.5 * MINUTE

function job(id: string, parts: Partial<WaitingJob> = {}): WaitingJob {
  return {
    jobId: `job_${id}`,
    repositoryId: 'repo_1',
    labels: [],
    queuedAt: NOW,
    followers: 0,
    priority: 0,
    avoid: [],
    ...parts,
  }
}

function order(jobs: WaitingJob[], running: Record<RepositoryId, number> = {}): string[] {
  const runningByRepository = new Map(Object.entries(running) as [RepositoryId, number][])
  return orderQueue(jobs, { now: NOW, runningByRepository }).map(({ jobId }) => jobId.slice(4))
}

test('puts priority first', () => {
  assert.deepEqual(
    order([job('low', { priority: -1 }), job('mid'), job('high', { priority: 1 })]),
    ['high', 'mid', 'low'],
  )
})

test('raises a job by one priority for every ten minutes that it waits', () => {
  const old = (minutes: number) => job('old', { queuedAt: NOW - minutes * MINUTE, followers: -1 })
  assert.deepEqual(order([job('new', { priority: 1 }), old(9)]), ['new', 'old'])
  assert.deepEqual(order([job('new', { priority: 1 }), old(20)]), ['old', 'new'])
  // A clock that is ahead takes no priority away.
  const ahead = job('ahead', { queuedAt: NOW + 60 * MINUTE, followers: 1 })
  assert.deepEqual(order([job('new'), ahead]), ['ahead', 'new'])
})

test('lets repositories take turns, fewest running first', () => {
  const many = ['a', 'b', 'c', 'd'].map((id) => job(id))
  const other = ['x', 'y'].map((id) => job(id, { repositoryId: 'repo_2' }))
  assert.deepEqual(order([...many, ...other]), ['a', 'x', 'b', 'y', 'c', 'd'])
  assert.deepEqual(order([...many, ...other], { repo_1: 1 }), ['x', 'a', 'y', 'b', 'c', 'd'])
  assert.deepEqual(order([...many, ...other], { repo_2: 3 }), ['a', 'b', 'c', 'd', 'x', 'y'])
})

test('does not let a thousand jobs of one repository starve the single job of another', () => {
  const flood = Array.from({ length: 1000 }, (_, i) =>
    job(String(i).padStart(4, '0'), { queuedAt: NOW - 5 * MINUTE, followers: 3 }),
  )
  const single = job('single', { repositoryId: 'repo_2' })
  assert.equal(order([...flood, single]).indexOf('single'), 1)
  assert.equal(order([...flood, single], { repo_1: 1 }).indexOf('single'), 0)
})

test('counts the jobs of a higher priority against their repository', () => {
  const jobs = [job('urgent', { priority: 1 }), job('a'), job('z', { repositoryId: 'repo_2' })]
  assert.deepEqual(order(jobs), ['urgent', 'z', 'a'])
})

test('takes the longest way to the end first, then the longest wait, then the id', () => {
  const jobs = [
    job('b'),
    job('a'),
    job('old', { queuedAt: NOW - 1 }),
    job('short', { followers: 1 }),
    job('long', { followers: 5 }),
  ]
  assert.deepEqual(order(jobs), ['long', 'short', 'old', 'a', 'b'])
})

const jobs = fc.uniqueArray(
  fc.record({
    id: fc.nat(200),
    repository: fc.nat(4),
    queuedAt: fc.integer({ min: NOW - 30 * MINUTE, max: NOW }),
    followers: fc.nat(3),
    priority: fc.integer({ min: -1, max: 1 }),
  }),
  { selector: ({ id }) => id, maxLength: 40 },
)

test('is the greedy order of its rules, loses nothing and depends on no given order', () => {
  fc.assert(
    fc.property(jobs, fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }), (parts, running) => {
      const list = parts.map(({ id, repository, ...rest }) =>
        job(String(id), { ...rest, repositoryId: `repo_${repository}` }),
      )
      const counts = Object.fromEntries(running.map((count, i) => [`repo_${i}`, count]))
      const found = order(list, counts)
      assert.deepEqual(found, greedy(list, counts))
      assert.deepEqual(order(list.toReversed(), counts), found)
    }),
  )
})

/** The rules taken literally: again and again the best job by the counts so far; quadratic. */
function greedy(list: readonly WaitingJob[], running: Record<string, number>): string[] {
  const counts = { ...running }
  const left = [...list]
  const done: string[] = []
  while (left.length > 0) {
    const key = (one: WaitingJob): (number | string)[] => [
      Math.floor(one.queuedAt / (10 * MINUTE)) - one.priority,
      counts[one.repositoryId] ?? 0,
      -one.followers,
      one.queuedAt,
      one.jobId,
    ]
    left.sort((a, b) => compareKeys(key(a), key(b)))
    const next = left.shift() as WaitingJob
    counts[next.repositoryId] = (counts[next.repositoryId] ?? 0) + 1
    done.push(next.jobId.slice(4))
  }
  return done
}

function compareKeys(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  const i = a.findIndex((part, index) => part !== b[index])
  if (i < 0) return 0
  return (a[i] as number | string) < (b[i] as number | string) ? -1 : 1
}

test('orders a hundred thousand jobs', () => {
  const list = Array.from({ length: 100_000 }, (_, i) =>
    job(String(i), { repositoryId: `repo_${i % 7}`, followers: i % 5, priority: i % 3 }),
  )
  assert.equal(new Set(order(list)).size, 100_000)
})
