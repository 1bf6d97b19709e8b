import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RepositoryId } from '../ids.ts'
import type { WaitingJob } from './placement.ts'
import { orderQueue } from './queue-order.ts'
import { classKey, WaitingIndex } from './waiting-index.ts'

const NOW = 100_000_000

const jobs = fc.uniqueArray(
  fc.record({
    jobId: fc.nat(60).map((id) => `job_${id}` as const),
    repositoryId: fc.nat(4).map((id): RepositoryId => `repo_${id}`),
    labels: fc.constantFrom([], ['gpu'], ['gpu', 'arm64'], ['arm64', 'gpu']),
    queuedAt: fc.integer({ min: NOW - 2_000_000, max: NOW }),
    followers: fc.nat(2),
    priority: fc.nat(2),
    avoid: fc.constant([]),
  }),
  { selector: ({ jobId }) => jobId, maxLength: 60 },
)

/** What the index stands for: the first in order of those whose class can be placed. */
function plainFirst(
  waiting: readonly WaitingJob[],
  placeable: ReadonlySet<string>,
  running: ReadonlyMap<RepositoryId, number>,
): WaitingJob | undefined {
  const able = waiting.filter((job) => placeable.has(classKey(job)))
  return orderQueue(able, { now: NOW, runningByRepository: running })[0]
}

test('places jobs in the order of the plain definition, whatever comes and goes meanwhile', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ what: 'place' as const, which: 0 }) },
    fc.record({ what: fc.constantFrom('cancel' as const, 'free' as const), which: fc.nat() }),
  )
  const steps = fc.array(step, { maxLength: 80 })
  fc.assert(
    fc.property(jobs, steps, fc.array(fc.boolean(), { minLength: 3 }), (all, doing, able) => {
      const index = new WaitingIndex<{ job: WaitingJob }>()
      const waiting = new Map<string, WaitingJob>(all.slice(0, -5).map((job) => [job.jobId, job]))
      for (const job of waiting.values()) index.add({ job }, NOW)
      const late = all.slice(-5)
      const elsewhere = late.map((job) => ({ ...job, jobId: `${job.jobId}e` as const }))
      const held: RepositoryId[] = []
      for (const { what, which } of doing) {
        const placeable = new Set(
          [...new Set(all.map(classKey))].filter((_, i) => able[i % able.length]),
        )
        const next = plainFirst([...waiting.values()], placeable, index.running)
        const classes = index.classes().filter(({ key }) => placeable.has(key))
        assert.equal(index.firstOf(classes)?.job, next)
        assert.equal(index.size, waiting.size)
        const everything = [...waiting.values(), ...elsewhere]
        const context = { now: NOW, runningByRepository: index.running }
        assert.deepEqual(
          [
            ...index.inOrder(
              elsewhere.map((job) => ({ job })),
              NOW,
            ),
          ].map(({ job }) => job),
          orderQueue(everything, context),
        )
        if (what === 'place' && next) {
          waiting.delete(next.jobId)
          index.remove(next.jobId)
          index.count(next.repositoryId, 1)
          held.push(next.repositoryId)
        } else if (what === 'cancel') {
          const id = [...waiting.keys()][which % Math.max(1, waiting.size)]
          if (id) waiting.delete(id)
          if (id) index.remove(id as 'job_')
        } else if (what === 'free') {
          const [freed] = held.splice(which % Math.max(1, held.length), 1)
          if (freed) index.count(freed, -1)
          const job = late.pop()
          if (job) waiting.set(job.jobId, job)
          if (job) index.add({ job }, NOW)
        }
      }
    }),
  )
})

test('forgets classes and repositories that have nothing left', () => {
  const index = new WaitingIndex<{ job: WaitingJob }>()
  const job: WaitingJob = {
    jobId: 'job_1',
    repositoryId: 'repo_1',
    labels: ['gpu'],
    queuedAt: NOW,
    followers: 0,
    priority: 0,
    avoid: [],
  }
  index.add({ job }, NOW)
  index.add({ job: { ...job, labels: [] } }, NOW)
  assert.deepEqual(
    index.classes().map(({ key }) => key),
    ['plain'],
  )
  index.remove('job_1')
  assert.deepEqual([index.classes(), index.size, index.firstOf([])], [[], 0, undefined])
})

test('jobs that only a container engine can run wait in a class of their own', () => {
  const job: WaitingJob = {
    jobId: 'job_1',
    repositoryId: 'repo_1',
    labels: [],
    queuedAt: NOW,
    followers: 0,
    priority: 0,
    avoid: [],
  }
  for (const labels of [[], ['gpu']]) {
    const plain = classKey({ ...job, labels })
    const services = classKey({ ...job, labels, containers: true })
    assert.notEqual(services, plain)
    assert.equal(services, classKey({ ...job, labels, containers: true, image: 'node:24' }))
  }
})
