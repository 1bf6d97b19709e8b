import { setImmediate } from 'node:timers/promises'
import type { JobId, RunnerId } from '../../src/core/ids.ts'
import type { Candidate } from '../../src/core/placement/placement.ts'
import { JobQueue, type Runners } from '../../src/dispatcher/queue/job-queue.ts'
import type { RunnerLink } from '../../src/dispatcher/runners/runner-link.ts'

const RUNNERS = 1_000
const REPOSITORIES = 500
/** A fifth of the runners each has a label, and a tenth of the jobs each needs it. */
const LABELS_OF_RUNNERS: readonly (readonly string[])[] = [[], [], [], ['arm64'], ['gpu']]
const LABELS_OF_JOBS = [...Array.from({ length: 8 }, (): string[] => []), ['arm64'], ['gpu']]

export interface Decisions {
  /** From a slot's release to the call that places the next job on it. */
  readonly decisionMs: readonly number[]
  /** What of that this thread was really on a processor, so that others' work does not count. */
  readonly cpuMs: readonly number[]
  /** What one job that waits takes, in bytes of the heap. */
  readonly bytesPerJob: number
}

/**
 * Times the real queue before a thousand runners of one slot each, all busy, with so many jobs of
 * 500 repositories that wait: again and again one slot comes free, and one job is added.
 */
export async function timeDecisions(
  queued: number,
  { decisions, signal }: { decisions: number; signal: AbortSignal },
): Promise<Decisions> {
  const { pool, wake } = simulatedPool()
  using queue = new JobQueue({ pool, heuristic: 'cache-affinity' })
  const held: Disposable[] = []
  let placedAt = 0
  let jobs = 0
  const add = (): void => {
    const index = jobs++
    const repository = index % REPOSITORIES
    queue.add({
      job: {
        jobId: `job_${index}` as JobId,
        repositoryId: `repo_${repository}`,
        image: 'alpine',
        labels: index < RUNNERS ? [] : (LABELS_OF_JOBS[index % LABELS_OF_JOBS.length] ?? []),
        queuedAt: Date.now() - (index % 3_600_000),
        followers: index % 4,
        priority: 0,
        avoid: [],
      },
      pipelineId: `pipeline_${index}`,
      repositoryName: `bench/${repository}`,
      name: 'build',
      place: (_decision, _link, slot) => {
        placedAt = performance.now()
        held.push(slot)
      },
    })
  }
  // One for each runner; then those that wait.
  for (let i = 0; i < RUNNERS; i++) add()
  while (held.length < RUNNERS) await setImmediate()
  const before = heapBytes()
  while (queue.length < queued) add()
  const bytesPerJob = Math.max(0, heapBytes() - before) / queued
  const decisionMs: number[] = []
  const cpuMs: number[] = []
  for (let i = 0; i < decisions; i++) {
    signal.throwIfAborted()
    const [slot] = held.splice((i * 7919) % held.length, 1)
    const cpuBefore = process.threadCpuUsage()
    const from = performance.now()
    placedAt = 0
    slot?.[Symbol.dispose]()
    wake()
    while (placedAt === 0) await setImmediate()
    const { user, system } = process.threadCpuUsage(cpuBefore)
    decisionMs.push(placedAt - from)
    cpuMs.push((user + system) / 1000)
    add()
    await setImmediate()
  }
  return { decisionMs, cpuMs, bytesPerJob }
}

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** Runners that only count their slots, with the wakes of a real pool. */
function simulatedPool(): { pool: Runners; wake: () => void } {
  const links = new Map<RunnerId, RunnerLink>()
  const listeners = new Set<() => void>()
  for (let i = 0; i < RUNNERS; i++) {
    const id: RunnerId = `runner_${i}`
    const labels = LABELS_OF_RUNNERS[i % LABELS_OF_RUNNERS.length] ?? []
    const rest = { runnerId: id, name: `runner-${i}`, labels, slots: 1, state: 'online' as const }
    let seen: Candidate = { ...rest, engines: ['docker'], busy: 0, load: i / RUNNERS }
    links.set(id, {
      id,
      candidate: () => seen,
      reserve: () => {
        seen = { ...seen, busy: 1 }
        return {
          [Symbol.dispose]: () => {
            seen = { ...seen, busy: 0 }
          },
        }
      },
    } as RunnerLink)
  }
  const pool: Runners = {
    candidates: () => [...links.values()].map((link) => link.candidate()),
    find: (id) => links.get(id),
    onWake: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  const wake = (): void => {
    for (const listener of listeners) listener()
  }
  return { pool, wake }
}
