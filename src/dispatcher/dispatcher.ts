import type { Transport } from '@connectrpc/connect'
import type { Broker } from '../broker/broker.ts'
import { GROUP_TOPIC } from '../contract/live/event-message.ts'
import type { PublishedEvent, StateChange } from '../contract/live/live-event.ts'
import type { PipelineView } from '../contract/rest/views.ts'
import { type Doer, systemDoer } from '../core/audit/audit.ts'
import type { DispatcherId, JobId, PipelineId } from '../core/ids.ts'
import type { HeuristicName } from '../core/placement/placement.ts'
import type { Runner } from '../core/runner/runner.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git/git.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { ClientTls } from '../lib/tls/tls-files.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { Vault } from '../vault/vault.ts'
import type { AuthorLookup } from './forge-authors/author-lookup.ts'
import { openAuthorLookup } from './forge-authors/open-author-lookup.ts'
import { IdTokenMinter } from './id-tokens/minter.ts'
import type { DatabaseGuard } from './ledger/database-guard.ts'
import { EventPublisher } from './ledger/event-publisher.ts'
import { Recorder } from './ledger/recorder.ts'
import { CommitIntake } from './pipelines/commit-intake.ts'
import { logUnsetApproval } from './pipelines/log-unset-approval.ts'
import { type ManualStart, manualEvent } from './pipelines/manual-event.ts'
import { OwnCommits } from './pipelines/own-commits.ts'
import { MAX_PRIORITY, type PipelineOptions } from './pipelines/pipeline-options.ts'
import { type Beginning, PipelineRuns } from './pipelines/pipeline-runs.ts'
import { Awaiting } from './queue/awaiting.ts'
import { GroupGate } from './queue/group-gate.ts'
import { JobQueue, type ListedQueue } from './queue/job-queue.ts'
import { listWaiting } from './queue/list-waiting.ts'
import { type DialledRunner, dialledRunner } from './runners/dialled-runner.ts'
import { inProcessConnector } from './runners/in-process-connector.ts'
import { OrphanKeeper } from './runners/orphan-keeper.ts'
import { RunnerPool } from './runners/runner-pool.ts'
import type { StartHeartbeats } from './seat/heartbeats.ts'
import { Seat } from './seat/seat.ts'

export interface DispatcherDeps {
  readonly store: Store
  readonly broker: Broker
  readonly vault: Vault
  /** Mints jobs' id tokens; absent: there are none. */
  readonly minter?: IdTokenMinter
  readonly gitEnv: GitEnv
  readonly log: Logger
  /** For dialled runners. */
  readonly tls?: ClientTls | undefined
  /** Keeps new jobs from starting while the database is short of space. */
  readonly guard?: DatabaseGuard | undefined
}

export interface DispatcherOptions extends PipelineOptions {
  readonly heuristic: HeuristicName
  /**
   * Keeps its seat among other dispatchers. Absent: it is alone with its store, and owns from the start what
   * any other one had.
   */
  readonly startHeartbeats?: StartHeartbeats
  /** Where runners and other processes reach it, to be published. */
  readonly url?: string
}

/** How many commit events may be unacknowledged at a time. */
const PREFETCH = 20
/** How many state changes are kept for readers to catch up. */
const KEEP_CHANGES = 100_000
const PRUNE_MS = 600_000

/**
 * Consumes commit events, creates a pipeline of each, and sees it through. All state is in the store: a new
 * process continues where its predecessor or another dispatcher has stopped. Its right to act is its seat: if
 * that is lost, it leaves everything as it is, takes a new seat, and continues with the pipelines that are
 * free.
 */
export class Dispatcher implements AsyncDisposable {
  readonly pool: RunnerPool
  readonly #deps: DispatcherDeps
  readonly #options: DispatcherOptions
  readonly #stop = new AbortController()
  readonly #publisher: EventPublisher
  readonly #recorder: Recorder
  readonly #authors: AuthorLookup
  readonly #queue: JobQueue
  readonly #gate: GroupGate
  readonly #awaiting: Awaiting
  readonly #ownCommits: OwnCommits
  readonly #intake: CommitIntake
  readonly #stack = new AsyncDisposableStack()
  #seat!: Seat
  #runs!: PipelineRuns

  private constructor(deps: DispatcherDeps, options: DispatcherOptions) {
    this.#deps = deps
    this.#options = options
    this.#publisher = new EventPublisher(deps)
    const { signal } = this.#stop
    this.#ownCommits = new OwnCommits({ ...deps, signal })
    this.#recorder = new Recorder({ ...deps, publisher: this.#publisher, signal })
    this.#authors = openAuthorLookup(deps, this.#recorder, signal)
    const orphans = new OrphanKeeper({ ...deps, resume: (id) => this.#open(id) })
    this.pool = new RunnerPool({
      ...deps,
      recorder: this.#recorder,
      publisher: this.#publisher,
      dispatcherId: () => this.id,
      onOrphans: (link, found) => orphans.handle(link, found),
    })
    this.#queue = new JobQueue({
      pool: this.pool,
      heuristic: options.heuristic,
      guard: deps.guard,
    })
    this.#gate = new GroupGate({
      ...deps,
      queue: this.#queue,
      retryWhileUnavailable: (work) => this.#recorder.retryWhileUnavailable(work),
      cancel: (id, jobId, reason) => {
        const by = systemDoer('dispatcher', 'a newer one of its group')
        return this.#runs.command(id, (run) => run.cancel(reason, by, jobId))
      },
    })
    this.#awaiting = new Awaiting({
      ...deps,
      end: (id, reason, by) => this.#runs.command(id, (run) => run.endAwaiting(reason, by)),
      approvalMs: options.approvalMs,
    })
    this.#stack.use(this.#awaiting)
    this.#intake = new CommitIntake({
      ...deps,
      onCreated: (pipeline, event) => {
        // A part of the file says nothing about the rest that waits.
        if (!event.details?.part) void this.#awaiting.supersede(pipeline, event)
      },
      onCompleted: (id) => this.#guard(this.#runs.command(id, (run) => run.replan())),
      recorder: this.#recorder,
      authors: this.#authors,
      pool: this.pool,
      waiting: this.#gate,
      includes: options.includes ?? [],
      dispatcherId: () => this.id,
      open: (id, beginning) => this.#open(id, beginning),
      signal,
    })
    this.#stack.use(this.#publisher.listen((event) => this.#gate.onEvent(event)))
  }

  /** Connects to the runners, resumes open pipelines, and starts to consume commits. */
  static async start(
    deps: DispatcherDeps,
    options: DispatcherOptions & { readonly inProcess?: { name: string; transport: Transport } },
  ): Promise<Dispatcher> {
    const dispatcher = new Dispatcher(deps, options)
    await dispatcher.#start(options.inProcess)
    return dispatcher
  }

  async #start(inProcess?: { name: string; transport: Transport }): Promise<void> {
    await this.#takeSeat()
    await this.#recorder.retryWhileUnavailable(() => this.pool.refresh())
    if (inProcess) {
      const connector = inProcessConnector(inProcess.transport)
      const by = systemDoer('dispatcher', 'the start of the process')
      await this.pool.register(
        { name: inProcess.name, link: { kind: 'in-process' } },
        by,
        connector,
      )
    }
    if (this.#options.startHeartbeats) {
      this.#stack.use(this.pool.follow())
      const listening = this.#deps.broker.subscribeEvents(GROUP_TOPIC, (_topic, { event }) =>
        this.#gate.onEvent(event),
      )
      this.#stack.use(await listening)
    }
    await this.#runs.takeFree()
    void this.#awaiting.sweep(Date.now())
    const { store, log } = this.#deps
    this.#guard(this.#recorder.retryWhileUnavailable(() => logUnsetApproval(store, log)))
    const consumer = await this.#deps.broker.consumeCommits((id) => this.#intake.receive(id), {
      prefetch: PREFETCH,
    })
    this.#stack.use(consumer)
    const prune = setInterval(() => {
      this.#recorder.record((write) => write.changes.prune(KEEP_CHANGES)).catch(() => {})
    }, PRUNE_MS)
    this.#stack.defer(() => clearInterval(prune))
  }

  async #takeSeat(): Promise<void> {
    const { store, log } = this.#deps
    const { startHeartbeats, url } = this.#options
    const place = present({ startHeartbeats, url: url || undefined })
    this.#seat = await this.#recorder.retryWhileUnavailable(() =>
      Seat.take({ store, log, ...place }, () => this.#guard(this.#runs.takeFree())),
    )
    this.#runs = new PipelineRuns({
      ...this.#deps,
      minter: this.#deps.minter ?? new IdTokenMinter(this.#deps),
      recorder: this.#recorder,
      authors: this.#authors,
      publisher: this.#publisher,
      pool: this.pool,
      queue: this.#gate,
      options: this.#options,
      seat: this.#seat,
      isShared: startHeartbeats !== undefined,
      signal: this.#stop.signal,
    })
    this.#seat.ended.addEventListener('abort', () => this.#guard(this.#takeSeatAgain()))
  }

  async #takeSeatAgain(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#deps.log.error('seat lost: other dispatchers take over the pipelines of this one')
    await this.#runs[Symbol.asyncDispose]()
    await this.#seat[Symbol.asyncDispose]()
    await this.#takeSeat()
    await this.#runs.takeFree()
  }

  /** For work that nobody awaits. */
  #guard(work: Promise<void>): void {
    work.catch((err: unknown) => {
      if (this.#stop.signal.aborted || NarwhalError.from(err).code === 'stale') return
      this.#deps.log.error({ err }, 'unhandled error in background task')
    })
  }

  /** That of its seat: a new one after each start, and after its seat was lost. */
  get id(): DispatcherId {
    return this.#seat.id
  }

  readonly listen = (listener: (event: PublishedEvent) => void): Disposable =>
    this.#publisher.listen(listener)

  readonly publishAll = (changes: readonly StateChange[]): void =>
    this.#publisher.publishAll(changes)

  /** The first waiting jobs, including those of other dispatchers' pipelines. */
  async queue(limit: number): Promise<ListedQueue> {
    if (!this.#options.startHeartbeats) return await this.#gate.list(limit)
    return await this.#gate.list(
      limit,
      await listWaiting(this.#deps.store, this.#options.maxPriority ?? MAX_PRIORITY),
    )
  }

  /** Whether a runner has room for waiting jobs, or some were placed just now. */
  get isStartingJobs(): boolean {
    return this.#queue.isPlacing
  }

  get queueLength(): number {
    return this.#gate.length
  }

  /** How many unfinished pipelines this dispatcher owns. */
  get openPipelines(): number {
    return this.#runs.size
  }

  /** How many writes were rejected because another dispatcher owned the pipeline by then. */
  get staleWrites(): number {
    return this.#recorder.staleWrites
  }

  /** Creates a manual event for a ref, and its pipeline. */
  async startPipeline(
    repository: RepositoryRecord,
    start: ManualStart,
    by: Doer,
  ): Promise<PipelineView> {
    const event = await manualEvent(repository, start, {
      vault: this.#deps.vault,
      env: this.#deps.gitEnv,
      signal: this.#stop.signal,
      ownCommits: this.#ownCommits,
    })
    await this.#recorder.record((write) => write.events.accept([event]))
    return await this.#getView(await this.#intake.create(event, event.receivedAt, { by }))
  }

  /** Runs a pipeline's commit again, as a new pipeline. */
  async rerunPipeline(id: PipelineId, by: Doer): Promise<PipelineView> {
    const detail = await this.#deps.store.pipelines.find(id)
    if (!detail) throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    const rerun = { rerunOf: id, by }
    return await this.#getView(await this.#intake.create(detail.event, Date.now(), rerun))
  }

  async cancelPipeline(id: PipelineId, reason: string, by: Doer): Promise<void> {
    await this.#runs.command(id, (run) => run.cancel(reason, by))
  }

  async cancelJob(id: JobId, reason: string, by: Doer): Promise<void> {
    const pipelineId = await this.#pipelineOf(id)
    await this.#runs.command(pipelineId, (run) => run.cancel(reason, by, id))
  }

  /** Reruns the failed jobs of a pipeline, in place. */
  async rerunFailed(id: PipelineId, by: Doer): Promise<void> {
    await this.#runs.command(id, (run) => run.rerunFailed(by))
  }

  /** Lets a stranger's pipeline run, with the secrets that it names. */
  async approvePipeline(
    id: PipelineId,
    seen: { readonly sha: string; readonly plan?: string | undefined },
    by: Doer,
  ): Promise<void> {
    await this.#runs.command(id, (run) => run.approve(seen, by))
  }

  async rerunJob(id: JobId, by: Doer): Promise<void> {
    await this.#runs.command(await this.#pipelineOf(id), (run) => run.rerunJob(id, by))
  }

  async #getView(id: PipelineId): Promise<PipelineView> {
    const view = await this.#recorder.retryWhileUnavailable(() =>
      this.#deps.store.pipelines.findView(id),
    )
    if (!view) throw new NarwhalError('internal', `${id} was written but can't be found`)
    return view
  }

  /** Resumes the pipeline if this dispatcher owns it; otherwise its owner continues it. */
  async #open(id: PipelineId, beginning?: Beginning): Promise<void> {
    try {
      await this.#runs.open(id, beginning)
    } catch (error) {
      if (NarwhalError.from(error).code !== 'stale') throw error
    }
  }

  async #pipelineOf(id: JobId): Promise<PipelineId> {
    const job = await this.#deps.store.jobs.find(id)
    if (!job) throw new NarwhalError('not_found', `there is no job ${id}`)
    return job.pipelineId
  }

  /** Stops consuming commits, leaves attempts on runners as they are, and gives up its seat. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
    await this.#runs[Symbol.asyncDispose]()
    await this.#stack.disposeAsync()
    this.#gate[Symbol.dispose]()
    this.#queue[Symbol.dispose]()
    await this.pool[Symbol.asyncDispose]()
    await this.#seat[Symbol.asyncDispose]()
  }

  /** Registers a runner by its URL; resolves once that is stored, whether it answers or not. */
  async registerRunner(runner: DialledRunner, by: Doer): Promise<Runner> {
    return await this.pool.register(dialledRunner(runner), by)
  }
}
