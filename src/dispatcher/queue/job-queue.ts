import type { QueuedJobView } from '../../contract/rest/views.ts'
import type { JobId, PipelineId, RepositoryId } from '../../core/ids.ts'
import { chooseRunner } from '../../core/placement/choose-runner.ts'
import type {
  Candidate,
  Decision,
  HeuristicContext,
  HeuristicName,
  WaitingJob,
} from '../../core/placement/placement.ts'
import { missingLabels } from '../../core/placement/requirements.ts'
import { classKey, WaitingIndex } from '../../core/placement/waiting-index.ts'
import type { WaitingReason } from '../../core/placement/waiting-reason.ts'
import type { DatabaseGuard } from '../ledger/database-guard.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'

/** A waiting job, of this or another dispatcher. */
export interface Waiting {
  readonly job: WaitingJob
  readonly pipelineId: PipelineId
  readonly repositoryName: string
  readonly name: string
}

/** A job in the queue, and what to do when it is placed. */
export interface QueueEntry extends Waiting {
  /** Called once, with a slot already reserved; the callee disposes the reservation. */
  readonly place: (decision: Decision, link: RunnerLink, reservation: Disposable) => void
}

/** A waiting job with its position and the reason why it waits. */
export interface ListedJob extends Omit<QueuedJobView, 'reason' | 'expectedStartAt'> {
  readonly waiting: WaitingReason
}

/** The first jobs of the queue, and how many there are. */
export interface ListedQueue {
  readonly jobs: readonly ListedJob[]
  readonly total: number
}

/** What the queue needs of the pool. */
export type Runners = Pick<RunnerPool, 'candidates' | 'find' | 'onWake'>

export interface JobQueueDeps {
  readonly pool: Runners
  readonly heuristic: HeuristicName
  /** Whether the database has room for another job; absent: it has. */
  readonly guard?: Pick<DatabaseGuard, 'shortage' | 'onChange'> | undefined
}

/** About how long a placed job takes to start. */
const PLACING_MS = 100

/** How many jobs are placed before the event loop gets a turn. */
const MOST_AT_ONCE = 32

/**
 * The jobs that wait for a runner. Whenever a job is added, a slot becomes free or a runner changes, it
 * places jobs in queue order as far as possible; decision and reservation are synchronous, so no slot is
 * assigned twice. The cost does not depend on how many jobs wait.
 */
export class JobQueue implements Disposable {
  readonly #pool: Runners
  readonly #heuristic: HeuristicName
  readonly #waiting = new WaitingIndex<QueueEntry>()
  readonly #listening = new DisposableStack()
  readonly #shortage: () => string | undefined
  #turn = 0
  #placedMs = Number.NEGATIVE_INFINITY
  #woken = false

  constructor(deps: JobQueueDeps) {
    this.#pool = deps.pool
    this.#heuristic = deps.heuristic
    this.#shortage = () => deps.guard?.shortage
    this.#listening.use(deps.pool.onWake(() => this.#wake()))
    if (deps.guard) this.#listening.use(deps.guard.onChange(() => this.#wake()))
  }

  add(entry: QueueEntry): void {
    this.#waiting.add(entry, Date.now())
    this.#wake()
  }

  remove(jobId: JobId): void {
    this.#waiting.remove(jobId)
  }

  /**
   * The first jobs in queue order, at most `limit`, and how many there are, including those that wait
   * elsewhere. Each has the reason why it waits: the given one, or what keeps it from a runner.
   */
  list(
    limit: number,
    elsewhere: readonly Waiting[] = [],
    reasons: ReadonlyMap<JobId, WaitingReason> = new Map(),
  ): ListedQueue {
    const own = this.#waiting
    const unknown = elsewhere.filter(({ job }) => !own.has(job.jobId))
    const others = [...new Map(unknown.map((one) => [one.job.jobId, one])).values()]
    const inOrder = own.inOrder<Waiting>(others, Date.now())
    const reasonOf = this.#reasons()
    const jobs = inOrder.take(limit).map(({ job, pipelineId, repositoryName, name }, index) => {
      const { jobId, queuedAt } = job
      const place = { position: index + 1, queuedAt, waiting: reasons.get(jobId) ?? reasonOf(job) }
      return { jobId, pipelineId, repositoryName, name, labels: [...job.labels], ...place }
    })
    return { jobs: jobs.toArray(), total: own.size + others.length }
  }

  /** Why a job waits; jobs of one class have the same reason. */
  #reasons(): (job: WaitingJob) => WaitingReason {
    const shortage = this.#shortage()
    if (shortage !== undefined) return () => ({ kind: 'no_room', shortage })
    const candidates = this.#pool.candidates()
    const known = new Map<string, WaitingReason>()
    return (job) => {
      const key = classKey(job)
      let reason = known.get(key)
      if (reason === undefined) {
        const choice = chooseRunner(job, candidates, this.#heuristic, this.#context())
        reason = 'runnerId' in choice ? { kind: 'placing' } : choice
        known.set(key, reason)
      }
      return reason
    }
  }

  /** Whether a job has just been placed. */
  get isPlacing(): boolean {
    return this.#woken || performance.now() - this.#placedMs < PLACING_MS
  }

  get length(): number {
    return this.#waiting.size
  }

  #wake(): void {
    if (this.#woken) return
    this.#woken = true
    queueMicrotask(() => this.#run())
  }

  #run(): void {
    this.#woken = false
    if (!this.#placeSome()) return
    this.#woken = true
    setImmediate(() => this.#run())
  }

  /** Returns whether there may be more to place. */
  #placeSome(): boolean {
    if (this.#waiting.size === 0 || this.#shortage() !== undefined) return false
    const candidates = this.#pool.candidates()
    const withRoom = candidates.filter(hasRoom)
    // The common case: every slot is taken.
    if (withRoom.length === 0) return false
    let open = this.#waiting.classes().filter(({ first }) => first && fitsAny(first.job, withRoom))
    const indices = new Map(candidates.map(({ runnerId }, index) => [runnerId, index]))
    for (let placed = 0; placed < MOST_AT_ONCE; ) {
      const entry = this.#waiting.firstOf(open)
      if (!entry) return false
      const { job } = entry
      const choice = chooseRunner(job, candidates, this.#heuristic, this.#context())
      const link = 'runnerId' in choice ? this.#pool.find(choice.runnerId) : undefined
      if (!link || !('runnerId' in choice)) {
        const key = classKey(job)
        open = open.filter((one) => one.key !== key)
        continue
      }
      this.#waiting.remove(job.jobId)
      this.#turn++
      placed++
      this.#placedMs = performance.now()
      entry.place(choice, link, this.#reserve(link, job.repositoryId))
      candidates[indices.get(link.id) ?? -1] = link.candidate()
    }
    return true
  }

  #reserve(link: RunnerLink, repositoryId: RepositoryId): Disposable {
    const slot = link.reserve()
    this.#waiting.count(repositoryId, 1)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.#waiting.count(repositoryId, -1)
        held = false
        slot[Symbol.dispose]()
      },
    }
  }

  #context(): HeuristicContext {
    return { now: Date.now(), random: Math.random, turn: this.#turn }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
    for (const { job } of this.#waiting.entries()) this.#waiting.remove(job.jobId)
  }
}

function hasRoom({ busy, slots, state }: Candidate): boolean {
  return state === 'online' && busy < slots
}

function fitsAny(job: WaitingJob, candidates: readonly Candidate[]): boolean {
  return candidates.some((candidate) => missingLabels(job, candidate).length === 0)
}
