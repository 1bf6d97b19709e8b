import { LEASE_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import { LONGEST_AUTHOR, LONGEST_TITLE } from '../../core/commit-event.ts'
import type { PipelineId } from '../../core/ids.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import type { Logger } from '../../lib/log.ts'
import type { PipelineDetail } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import type { AuthorLookup } from '../forge-authors/author-lookup.ts'
import { JobIdTokens } from '../id-tokens/job-id-tokens.ts'
import type { IdTokenMinter } from '../id-tokens/minter.ts'
import type { EventPublisher } from '../ledger/event-publisher.ts'
import { JobSecrets } from '../ledger/job-secrets.ts'
import { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { GroupGate } from '../queue/group-gate.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { Ownership, type Seen } from '../seat/ownership.ts'
import type { Seat } from '../seat/seat.ts'
import { includeSources } from './include-sources.ts'
import type { PipelineOptions } from './pipeline-options.ts'
import { PipelineRun } from './pipeline-run.ts'
import { type EarlyPlan, planOrderOf } from './plan-pipeline.ts'

export interface PipelineRunsDeps {
  readonly store: Store
  readonly vault: Vault
  readonly minter: IdTokenMinter
  readonly recorder: Recorder
  /** Asks forges whose a stranger's commit is. */
  readonly authors: AuthorLookup
  readonly publisher: EventPublisher
  readonly pool: RunnerPool
  readonly queue: GroupGate
  readonly log: Logger
  readonly options: PipelineOptions
  readonly seat: Seat
  /** Whether other dispatchers may take pipelines of ours. */
  readonly isShared: boolean
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
}

interface Entry {
  users: number
  readonly run: Promise<PipelineRun>
}

/** So many pipelines are read at a time where many are taken up. */
const TAKE_UPS = 32

/** What is known at the beginning of a pipeline that is new. */
export interface Beginning {
  /** A runner is asked for its plan already. */
  readonly early?: EarlyPlan | undefined
  /** What the store has of it. */
  readonly fresh?: { readonly detail: PipelineDetail; readonly seen: Seen } | undefined
}

/** How a run begins. */
interface Start extends Beginning {
  /** How long the lease of an attempt that is found running may last. */
  readonly patienceMs: number
}

const NEWLY_SEEN: Start = { patienceMs: LEASE_MS + SEAT_MS }

/** How often a command takes a pipeline that another dispatcher wants, too. */
const MOST_TAKES = 5

/**
 * The pipelines that are going on under one seat, each with its one run. A run is dropped when it
 * is idle and nobody is in here with it, when another dispatcher has taken its pipeline, and with
 * the seat.
 */
export class PipelineRuns implements AsyncDisposable {
  readonly #deps: PipelineRunsDeps
  readonly #entries = new Map<PipelineId, Entry>()
  readonly #signal: AbortSignal
  readonly #ownership: Ownership | undefined

  constructor(deps: PipelineRunsDeps) {
    this.#deps = deps
    if (deps.isShared) {
      this.#ownership = new Ownership({ ...deps, onLost: (id) => void this.#letGo(id) })
    }
    this.#signal = AbortSignal.any([deps.signal, deps.seat.ended])
  }

  get size(): number {
    return this.#entries.size
  }

  has(id: PipelineId): boolean {
    return this.#entries.has(id)
  }

  /** Takes up every open pipeline that no living dispatcher has. */
  async takeFree(): Promise<void> {
    const { recorder, seat, log } = this.#deps
    const ids = await recorder.record((write) => write.pipelines.takeFree(seat.id))
    if (ids.length > 0) log.info({ pipelines: ids.length }, 'pipelines taken up')
    // Whoever had them could confirm leases only as long as its seat was good.
    const found = { patienceMs: LEASE_MS }
    const next = ids.values()
    const takeUp = async (): Promise<void> => {
      for (const id of next) await this.#with(id, async () => {}, found)
    }
    await Promise.all(Array.from({ length: TAKE_UPS }, takeUp))
  }

  /** Has the run of a pipeline that is ours take up what is due. */
  async open(id: PipelineId, beginning?: Beginning): Promise<void> {
    await this.#with(id, async () => {}, { ...NEWLY_SEEN, ...beginning })
  }

  /** Does something with a pipeline, which becomes ours for that, whoever had it. */
  async command(id: PipelineId, work: (run: PipelineRun) => Promise<void>): Promise<void> {
    const { recorder, seat } = this.#deps
    for (let takes = 1; ; takes++) {
      try {
        if (!this.#entries.has(id)) {
          await recorder.record((write) => write.pipelines.take(id, seat.id))
        }
        return await this.#with(id, work)
      } catch (error) {
        const isStale = NarwhalError.from(error).code === 'stale'
        if (!isStale || takes === MOST_TAKES || this.#signal.aborted) throw error
        await this.#drop(id)
      }
    }
  }

  /** Calls `work` with the pipeline's one run here, then has the run take up what is due. */
  async #with(
    id: PipelineId,
    work: (run: PipelineRun) => Promise<void>,
    start: Start = NEWLY_SEEN,
  ): Promise<void> {
    const entry = this.#entries.get(id) ?? this.#add(id, start)
    entry.users++
    try {
      const run = await entry.run
      // First of all its attempts are followed: what is done to them must reach the runners.
      run.react()
      await work(run)
    } finally {
      entry.users--
      await entry.run.then(
        (run) => run.react(),
        () => this.#remove(id, entry),
      )
    }
  }

  #add(id: PipelineId, start: Start): Entry {
    const entry: Entry = { users: 0, run: this.#start(id, start, () => entry) }
    this.#entries.set(id, entry)
    return entry
  }

  async #start(id: PipelineId, start: Start, entry: () => Entry): Promise<PipelineRun> {
    const { recorder, seat, pool, queue, log, options } = this.#deps
    const { detail, seen } = start.fresh ?? (await this.#read(id))
    const ledger = new PipelineLedger({ ...this.#deps, dispatcherId: seat.id }, detail)
    const { term } = ledger
    this.#ownership?.note(id, term, seen)
    return new PipelineRun({
      ledger,
      pool,
      queue,
      log,
      signal: this.#signal,
      options,
      secrets: new JobSecrets({ ...this.#deps, secretAdvice: options.secretAdvice }, ledger),
      idTokens: new JobIdTokens(this.#deps, ledger),
      patienceMs: start.patienceMs,
      early: start.early,
      mayConfirm: () => this.#ownership?.isSure(id, term) ?? seat.isGood,
      onIdle: () => {
        if (entry().users === 0) this.#remove(id, entry())
      },
      onStale: () => this.#remove(id, entry()),
      planOrder: async () => {
        const { store } = this.#deps
        const sources = recorder.retryWhileUnavailable(() =>
          includeSources(store, options.includes ?? [], isStranger(ledger.event.trust)),
        )
        const { event, repository } = ledger
        const found = await recorder.retryWhileUnavailable(() =>
          this.#deps.authors.findBase(event, repository),
        )
        return planOrderOf(ledger, await sources, found)
      },
      findAuthors: () =>
        recorder.retryWhileUnavailable(() =>
          this.#deps.authors.find(ledger.event, ledger.repository),
        ),
      describeEvent: async ({ title, author }) => {
        // What a commit says of itself is as hostile as what a webhook says of it.
        const text = {
          title: firstLine(title, LONGEST_TITLE),
          author: firstLine(author, LONGEST_AUTHOR),
        }
        await recorder.record((write) => write.events.describe(ledger.event.id, text))
      },
    })
  }

  async #read(id: PipelineId): Promise<NonNullable<Beginning['fresh']>> {
    const { recorder, store } = this.#deps
    let at = 0
    const detail = await recorder.retryWhileUnavailable(() => {
      at = performance.now()
      return store.pipelines.find(id)
    })
    if (!detail) throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    return { detail, seen: { at } }
  }

  async #drop(id: PipelineId): Promise<void> {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#remove(id, entry)
    await entry.run.then(
      (run) => run.drop(),
      () => undefined,
    )
  }

  /** The store says that it is another's; one that has ended is only heard to its last words. */
  async #letGo(id: PipelineId): Promise<void> {
    const run = await this.#entries.get(id)?.run.catch(() => undefined)
    if (run && run.ledger.draft.pipeline.state.status !== 'finished') await this.#drop(id)
  }

  #remove(id: PipelineId, entry: Entry): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id)
  }

  /** To be called when the seat has ended or the dispatcher stops: no job of these is placed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { run } of this.#entries.values()) {
      run.then(
        (one) => one.dequeueAll(),
        () => undefined,
      )
    }
    this.#entries.clear()
    await this.#ownership?.[Symbol.asyncDispose]()
  }
}
