import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import type { JobId, RunnerId } from '../../core/ids.ts'
import type { Candidate } from '../../core/placement/placement.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import { JobQueue, type QueueEntry, type Runners } from './job-queue.ts'

/** Runners with these slots, and their queue. */
function openWorld(slotsOf: Readonly<Record<string, { slots: number; labels?: string[] }>>) {
  const links = new Map<RunnerId, RunnerLink>()
  const wakes = new Set<() => void>()
  for (const [name, { slots, labels = [] }] of Object.entries(slotsOf)) {
    let busy = 0
    const id: RunnerId = `runner_${name}`
    const base = { runnerId: id, name, labels, slots, load: 0, state: 'online' as const }
    links.set(id, {
      id,
      candidate: (): Candidate => ({ ...base, busy, engines: ['fake'] }),
      reserve: () => {
        busy++
        return {
          [Symbol.dispose]: () => {
            busy--
            for (const wake of wakes) wake()
          },
        }
      },
    } as RunnerLink)
  }
  const pool: Runners = {
    candidates: () => [...links.values()].map((link) => link.candidate()),
    find: (id) => links.get(id),
    onWake: (listener) => {
      wakes.add(listener)
      return { [Symbol.dispose]: () => void wakes.delete(listener) }
    },
  }
  const queue = new JobQueue({ pool, heuristic: 'least-loaded' })
  const placed: { jobId: JobId; runner: string; slot: Disposable }[] = []
  const add = (name: string, labels: string[] = []): void => {
    const jobId: JobId = `job_${name}`
    const job = { jobId, repositoryId: 'repo_1', labels, queuedAt: 1, followers: 0 } as const
    const entry: QueueEntry = {
      job: { ...job, priority: 0, avoid: [] },
      pipelineId: 'pipeline_1',
      repositoryName: 'ada/project',
      name,
      place: ({ runnerName }, _link, slot) => placed.push({ jobId, runner: runnerName, slot }),
    }
    queue.add(entry)
  }
  const jobs = (): string[] => placed.map(({ jobId }) => jobId.slice(4))
  return { queue, placed, add, jobs }
}

test('a job that no runner can take does not block those behind it', async () => {
  const { queue, placed, add, jobs } = openWorld({
    plain: { slots: 1 },
    gpu: { slots: 1, labels: ['gpu'] },
  })
  for (const name of ['a', 'b', 'c']) add(name, ['gpu'])
  for (const name of ['d', 'e']) add(name)
  await eventually(() => assert.deepEqual(jobs(), ['a', 'd']))
  const reasons = queue
    .list(10)
    .jobs.map(({ name, position, waiting }) => `${position} ${name}: ${waiting.kind}`)
  assert.match(reasons[0] ?? '', /^1 b: full$/)
  const firstTwo = queue.list(2)
  assert.deepEqual([firstTwo.jobs.map(({ name }) => name), firstTwo.total], [['b', 'c'], 3])
  assert.match(reasons[2] ?? '', /^3 e: full$/)
  placed[0]?.slot[Symbol.dispose]()
  await eventually(() => assert.deepEqual(jobs(), ['a', 'd', 'b']))
  assert.equal(placed[2]?.runner, 'gpu')
  queue.remove('job_c')
  placed[1]?.slot[Symbol.dispose]()
  placed[2]?.slot[Symbol.dispose]()
  await eventually(() => assert.equal(jobs().at(-1), 'e'))
  assert.equal(queue.length, 0)
})

test('fills every free slot in several turns, and assigns none twice', async () => {
  const runners = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`r${i}`, { slots: 5 }]))
  const { queue, placed, add } = openWorld(runners)
  for (let i = 0; i < 500; i++) add(String(i).padStart(3, '0'))
  await eventually(() => assert.equal(placed.length, 200))
  await new Promise(setImmediate)
  assert.equal(queue.length, 300)
  const perRunner = Object.values(Object.groupBy(placed, ({ runner }) => runner))
  assert.deepEqual(new Set(perRunner.map((of) => of?.length)), new Set([5]))
})
