import type { Transport } from '@connectrpc/connect'
import type { Broker } from '../broker/broker.ts'
import type { LiveEvent } from '../contract/live-event.ts'
import type { PipelineView, QueuedJobView } from '../contract/views.ts'
import type { EventId, JobId, PipelineId } from '../core/ids.ts'
import type { HeuristicName } from '../core/placement/placement.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git.ts'
import type { Logger } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import type { RepositoryRecord, RunnerRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { Announcer } from './announcer.ts'
import { inProcessConnector } from './in-process-connector.ts'
import { JobQueue } from './job-queue.ts'
import { manualEvent } from './manual-event.ts'
import { PipelineLedger } from './pipeline-ledger.ts'
import { type PipelineOptions, PipelineRun } from './pipeline-run.ts'
import { Recorder } from './recorder.ts'
import { RunnerPool } from './runner-pool.ts'

export interface DispatcherDeps {
  readonly store: Store
  readonly broker: Broker
  readonly gitEnv: GitEnv
  readonly log: Logger
}

export interface DispatcherOptions extends PipelineOptions {
  readonly heuristic: HeuristicName
}

/** How many commit events are taken from the queue at a time. */
const PREFETCH = 20
/** How many state changes are kept for readers that were away. */
const KEEP_CHANGES = 100_000
const PRUNE_MS = 600_000

/**
 * Takes commit events from the queue, makes a pipeline of each, and sees every pipeline through.
 * What it knows it has from the store: a new process goes on where the former one stopped.
 */
export class Dispatcher implements AsyncDisposable {
  readonly pool: RunnerPool
  readonly #store: Store
  readonly #broker: Broker
  readonly #gitEnv: GitEnv
  readonly #log: Logger
  readonly #options: DispatcherOptions
  readonly #stop = new AbortController()
  readonly #announcer: Announcer
  readonly #recorder: Recorder
  readonly #queue: JobQueue
  readonly #runs = new Map<PipelineId, { users: number; readonly run: Promise<PipelineRun> }>()
  readonly #stack = new AsyncDisposableStack()

  private constructor(deps: DispatcherDeps, options: DispatcherOptions) {
    this.#store = deps.store
    this.#broker = deps.broker
    this.#gitEnv = deps.gitEnv
    this.#log = deps.log
    this.#options = options
    this.#announcer = new Announcer(deps)
    const { signal } = this.#stop
    this.#recorder = new Recorder({ ...deps, announcer: this.#announcer, signal })
    this.pool = new RunnerPool({
      ...deps,
      recorder: this.#recorder,
      announcer: this.#announcer,
    })
    this.#queue = new JobQueue({ pool: this.pool, heuristic: options.heuristic })
  }

  /** Connects to the runners, takes up what was going on, and starts to consume commits. */
  static async start(
    deps: DispatcherDeps,
    options: DispatcherOptions & { readonly inProcess?: { name: string; transport: Transport } },
  ): Promise<Dispatcher> {
    const dispatcher = new Dispatcher(deps, options)
    await dispatcher.#open(options.inProcess)
    return dispatcher
  }

  async #open(inProcess?: { name: string; transport: Transport }): Promise<void> {
    await this.pool.open()
    if (inProcess) {
      const connector = inProcessConnector(inProcess.transport)
      await this.pool.register({ name: inProcess.name, link: 'in-process' }, connector)
    }
    for (const id of await this.#store.listOpenPipelines()) await this.#withRun(id, async () => {})
    const consumer = await this.#broker.consumeCommits((id) => this.#receive(id), {
      prefetch: PREFETCH,
    })
    this.#stack.use(consumer)
    const prune = setInterval(() => {
      this.#recorder.record((write) => write.pruneChanges(KEEP_CHANGES)).catch(() => {})
    }, PRUNE_MS)
    this.#stack.defer(() => clearInterval(prune))
  }

  listen(listener: (event: LiveEvent) => void): Disposable {
    return this.#announcer.listen(listener)
  }

  queue(): QueuedJobView[] {
    return this.#queue.list()
  }

  get queueLength(): number {
    return this.#queue.length
  }

  /** How many pipelines are going on here. */
  get openPipelines(): number {
    return this.#runs.size
  }

  /** Makes an event of a person's wish to build a ref now, and its pipeline. */
  async startPipeline(repository: RepositoryRecord, ref?: string): Promise<PipelineView> {
    const event = await manualEvent(repository, ref, {
      env: this.#gitEnv,
      signal: this.#stop.signal,
    })
    await this.#recorder.record((write) => write.acceptEvent(event))
    return await this.#create(event.id, event.receivedAt)
  }

  /** Runs a pipeline's commit once more, as a pipeline of its own. */
  async rerunPipeline(id: PipelineId): Promise<PipelineView> {
    const detail = await this.#store.findPipeline(id)
    if (!detail) throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    return await this.#create(detail.event.id, Date.now(), id)
  }

  async cancelPipeline(id: PipelineId, reason: string): Promise<void> {
    await this.#withRun(id, (run) => run.cancel(reason))
  }

  async cancelJob(id: JobId, reason: string): Promise<void> {
    await this.#withRun(await this.#pipelineOf(id), (run) => run.cancel(reason, id))
  }

  async rerunJob(id: JobId): Promise<void> {
    await this.#withRun(await this.#pipelineOf(id), (run) => run.rerunJob(id))
  }

  /** A commit from the queue. Resolves, and so acknowledges, once its pipeline's row is there. */
  async #receive(eventId: EventId): Promise<void> {
    const event = await this.#recorder.patiently(() => this.#store.findEvent(eventId))
    if (!event) {
      this.#log.warn({ event: eventId }, 'the queue names an event that is not in the store')
      return
    }
    await this.#create(eventId, event.receivedAt)
  }

  async #create(eventId: EventId, since: number, rerunOf?: PipelineId): Promise<PipelineView> {
    const createdAt = Date.now()
    const { pipeline, created } = await this.#recorder.record((write) =>
      write.createPipeline({
        id: newId('pipeline'),
        eventId,
        ...(rerunOf ? { rerunOf } : {}),
        phases: [{ name: 'queue', startedAt: since, durationMs: Math.max(0, createdAt - since) }],
        createdAt,
      }),
    )
    if (created) this.#log.info({ pipeline: pipeline.id, event: eventId }, 'pipeline created')
    if (pipeline.state.status !== 'finished') await this.#withRun(pipeline.id, async () => {})
    const view = await this.#recorder.patiently(() => this.#store.findPipelineView(pipeline.id))
    if (!view) throw new NarwhalError('internal', `${pipeline.id} was written and is not there`)
    return view
  }

  /**
   * Calls `work` with the pipeline's one run in this process, then has the run take up what is due.
   * A run is dropped when it is idle and nobody is in here with it.
   */
  async #withRun(id: PipelineId, work: (run: PipelineRun) => Promise<void>): Promise<void> {
    const entry = this.#runs.get(id) ?? { users: 0, run: this.#openRun(id) }
    this.#runs.set(id, entry)
    entry.users++
    try {
      await work(await entry.run)
    } finally {
      entry.users--
      await entry.run.then(
        (run) => run.react(),
        () => this.#runs.delete(id),
      )
    }
  }

  async #openRun(id: PipelineId): Promise<PipelineRun> {
    const deps = { store: this.#store, recorder: this.#recorder, announcer: this.#announcer }
    const ledger = await this.#recorder.patiently(() => PipelineLedger.open(deps, id))
    if (!ledger) throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    return new PipelineRun({
      ledger,
      pool: this.pool,
      queue: this.#queue,
      log: this.#log,
      signal: this.#stop.signal,
      options: this.#options,
      onIdle: () => {
        if (this.#runs.get(id)?.users === 0) this.#runs.delete(id)
      },
      describeEvent: async ({ title, author }) => {
        const text = { title, author }
        await this.#recorder.record((write) => write.describeEvent(ledger.event.id, text))
      },
    })
  }

  async #pipelineOf(id: JobId): Promise<PipelineId> {
    const job = await this.#store.findJob(id)
    if (!job) throw new NarwhalError('not_found', `there is no job ${id}`)
    return job.pipelineId
  }

  /** Stops taking commits and leaves the runners' attempts as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
    await this.#stack.disposeAsync()
    this.#queue[Symbol.dispose]()
    await this.pool[Symbol.asyncDispose]()
  }

  /** Registers a runner by its URL; resolves once it is written, whether it answers or not. */
  async registerRunner(runner: {
    name: string
    url: string
    balanced: boolean
    token?: string
  }): Promise<RunnerRecord> {
    return await this.pool.register({ ...runner, link: 'dialled' })
  }
}
