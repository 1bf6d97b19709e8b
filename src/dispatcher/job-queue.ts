import type { QueuedJobView } from '../contract/views.ts'
import type { JobId, PipelineId, RepositoryId } from '../core/ids.ts'
import { chooseRunner } from '../core/placement/choose-runner.ts'
import type {
  Candidate,
  Decision,
  HeuristicContext,
  HeuristicName,
  WaitingJob,
} from '../core/placement/placement.ts'
import { orderQueue } from '../core/placement/queue-order.ts'
import type { RunnerLink } from './runner-link.ts'
import type { RunnerPool } from './runner-pool.ts'

/** A job that waits, here or at another dispatcher. */
export interface Waiting {
  readonly job: WaitingJob
  readonly pipelineId: PipelineId
  readonly repositoryName: string
  readonly name: string
}

/** A job in the queue, and what to do when a place is found. */
export interface QueueEntry extends Waiting {
  /** Called once, with a slot already reserved; whoever is called disposes the reservation. */
  readonly place: (decision: Decision, link: RunnerLink, reservation: Disposable) => void
}

/**
 * The jobs that wait for a runner. Whenever a job comes, a slot is free or a runner changes, it
 * goes through the queue in its order and places what can be placed; between decision and
 * reservation nothing else happens, so no slot is promised twice.
 */
export class JobQueue implements Disposable {
  readonly #pool: RunnerPool
  readonly #heuristic: HeuristicName
  readonly #waiting = new Map<JobId, QueueEntry>()
  readonly #running = new Map<RepositoryId, number>()
  readonly #listening: Disposable
  #turn = 0
  #woken = false

  constructor(deps: { pool: RunnerPool; heuristic: HeuristicName }) {
    this.#pool = deps.pool
    this.#heuristic = deps.heuristic
    this.#listening = deps.pool.onWake(() => this.#wake())
  }

  add(entry: QueueEntry): void {
    this.#waiting.set(entry.job.jobId, entry)
    this.#wake()
  }

  remove(jobId: JobId): void {
    this.#waiting.delete(jobId)
  }

  /** The queue in its order with those that wait elsewhere, each job with the reason why. */
  list(elsewhere: readonly Waiting[] = []): QueuedJobView[] {
    const waiting = new Map<JobId, Waiting>(elsewhere.map((one) => [one.job.jobId, one]))
    for (const entry of this.#waiting.values()) waiting.set(entry.job.jobId, entry)
    const candidates = this.#pool.candidates()
    return this.#ordered(waiting).map((entry, index) => {
      const choice = chooseRunner(entry.job, candidates, this.#heuristic, this.#context())
      return {
        jobId: entry.job.jobId,
        pipelineId: entry.pipelineId,
        repositoryName: entry.repositoryName,
        name: entry.name,
        position: index + 1,
        queuedAt: entry.job.queuedAt,
        reason: 'runnerId' in choice ? 'is about to be placed' : choice.reason,
      }
    })
  }

  get length(): number {
    return this.#waiting.size
  }

  #wake(): void {
    if (this.#woken) return
    this.#woken = true
    queueMicrotask(() => {
      this.#woken = false
      this.#placeAll()
    })
  }

  #placeAll(): void {
    if (this.#waiting.size === 0) return
    let candidates = this.#pool.candidates()
    // Most wakes come while every slot is taken: then a long queue is not even put in order.
    if (!candidates.some(hasRoom)) return
    for (const entry of this.#ordered(this.#waiting)) {
      const choice = chooseRunner(entry.job, candidates, this.#heuristic, this.#context())
      if (!('runnerId' in choice)) continue
      const link = this.#pool.find(choice.runnerId)
      if (!link) continue
      this.#waiting.delete(entry.job.jobId)
      this.#turn++
      entry.place(choice, link, this.#reserve(link, entry.job.repositoryId))
      candidates = this.#pool.candidates()
      if (!candidates.some(hasRoom)) return
    }
  }

  #reserve(link: RunnerLink, repositoryId: RepositoryId): Disposable {
    const slot = link.reserve()
    const count = (by: number): void => {
      const running = (this.#running.get(repositoryId) ?? 0) + by
      if (running > 0) this.#running.set(repositoryId, running)
      else this.#running.delete(repositoryId)
    }
    count(1)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) count(-1)
        held = false
        slot[Symbol.dispose]()
      },
    }
  }

  #ordered<One extends Waiting>(waiting: ReadonlyMap<JobId, One>): One[] {
    const jobs = [...waiting.values()].map((entry) => entry.job)
    const context = { now: Date.now(), runningByRepository: this.#running }
    const entries = orderQueue(jobs, context).map((job) => waiting.get(job.jobId))
    return entries.filter((entry) => entry !== undefined)
  }

  #context(): HeuristicContext {
    return { now: Date.now(), random: Math.random, turn: this.#turn }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
    this.#waiting.clear()
  }
}

function hasRoom({ busy, slots, state }: Candidate): boolean {
  return state === 'online' && busy < slots
}
