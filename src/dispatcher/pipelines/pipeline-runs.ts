import { LEASE_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import { LONGEST_AUTHOR, LONGEST_TITLE } from '../../core/commit-event.ts'
import type { PipelineId } from '../../core/ids.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import type { Logger } from '../../lib/log.ts'
import type { PipelineDetail } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
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
  readonly store: Uses<'pipelines' | 'repositories' | 'secrets'>
  readonly vault: Vault
  readonly minter: IdTokenMinter
  readonly recorder: Recorder
  /** Looks up the authors of strangers' commits at their forges. */
  readonly authors: AuthorLookup
  readonly publisher: EventPublisher
  readonly pool: RunnerPool
  readonly queue: GroupGate
  readonly log: Logger
  readonly options: PipelineOptions
  readonly seat: Seat
  /** Whether other dispatchers may take over our pipelines. */
  readonly isShared: boolean
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
}

interface Entry {
  users: number
  readonly run: Promise<PipelineRun>
}

/** How many pipelines are loaded concurrently when many are free. */
const AT_ONCE = 32

/** What is known of a new pipeline. */
export interface Beginning {
  /** Its plan, already requested from a runner. */
  readonly early?: EarlyPlan | undefined
  /** Its state in the store. */
  readonly fresh?: { readonly detail: PipelineDetail; readonly seen: Seen } | undefined
}

interface Start extends Beginning {
  /** How long the lease of a running attempt may still last. */
  readonly patienceMs: number
}

const NEWLY_SEEN: Start = { patienceMs: LEASE_MS + SEAT_MS }

/** How often a command takes over a pipeline that another dispatcher takes, too. */
const MOST_TAKES = 5

/**
 * The active pipelines under one seat, with one run each. A run is dropped when it is idle and unused, when
 * another dispatcher has taken its pipeline, or with the seat.
 */
export class PipelineRuns implements AsyncDisposable {
  readonly #deps: PipelineRunsDeps
  readonly #entries = new Map<PipelineId, Entry>()
  readonly #signal: AbortSignal
  readonly #ownership: Ownership | undefined

  constructor(deps: PipelineRunsDeps) {
    this.#deps = deps
    if (deps.isShared) {
      this.#ownership = new Ownership({ ...deps, onLost: (id) => void this.#onLost(id) })
    }
    this.#signal = AbortSignal.any([deps.signal, deps.seat.ended])
  }

  get size(): number {
    return this.#entries.size
  }

  has(id: PipelineId): boolean {
    return this.#entries.has(id)
  }

  /** Takes over and resumes every open pipeline without an owner. */
  async takeFree(): Promise<void> {
    const { recorder, seat, log } = this.#deps
    const ids = await recorder.record((write) => write.pipelines.takeFree(seat.id))
    if (ids.length > 0) log.info({ pipelines: ids.length }, 'pipelines taken over')
    // Their previous owners could confirm leases only as long as their seats held.
    const start = { patienceMs: LEASE_MS }
    const next = ids.values()
    const resume = async (): Promise<void> => {
      for (const id of next) await this.#with(id, async () => {}, start)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, resume))
  }

  /** Resumes a pipeline that is ours. */
  async open(id: PipelineId, beginning?: Beginning): Promise<void> {
    await this.#with(id, async () => {}, { ...NEWLY_SEEN, ...beginning })
  }

  /** Runs a command on a pipeline, which is taken over from its owner if it isn't ours. */
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

  /** Calls `work` with the pipeline's one run, then has the run start what is due. */
  async #with(
    id: PipelineId,
    work: (run: PipelineRun) => Promise<void>,
    start: Start = NEWLY_SEEN,
  ): Promise<void> {
    const entry = this.#entries.get(id) ?? this.#add(id, start)
    entry.users++
    try {
      const run = await entry.run
      // First follow its attempts: commands must reach their runners.
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
      vault: this.#deps.vault,
      patienceMs: start.patienceMs,
      early: start.early,
      mayConfirm: () => this.#ownership?.isSure(id, term) ?? seat.isGood,
      onIdle: () => {
        if (entry().users === 0) this.#remove(id, entry())
      },
      onStale: () => this.#remove(id, entry()),
      planOrder: async () => {
        const sources = recorder.retryWhileUnavailable(() =>
          includeSources(this.#deps, options.includes ?? [], isStranger(ledger.event.trust)),
        )
        const { event, repository } = ledger
        const found = await recorder.retryWhileUnavailable(() =>
          this.#deps.authors.findBase(event, repository),
        )
        return planOrderOf(ledger, { vault: this.#deps.vault, sources: await sources }, found)
      },
      findAuthors: () =>
        recorder.retryWhileUnavailable(() =>
          this.#deps.authors.find(ledger.event, ledger.repository),
        ),
      describeEvent: async ({ title, author }) => {
        // As hostile as a webhook's text.
        const text = {
          title: firstLine(title, LONGEST_TITLE),
          author: firstLine(author, LONGEST_AUTHOR),
        }
        await recorder.record((write) => write.events.describe(ledger.event.id, text))
      },
      findUntestedBase: () =>
        recorder.retryWhileUnavailable(() =>
          this.#deps.store.pipelines.findUntestedBase(ledger.event),
        ),
      endReplan: async () => {
        await recorder.record((write) => write.events.endReplan(ledger.event.id))
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

  /** Ownership was lost. A finished pipeline stays until its last events are drained. */
  async #onLost(id: PipelineId): Promise<void> {
    const run = await this.#entries.get(id)?.run.catch(() => undefined)
    if (run && run.ledger.draft.pipeline.state.status !== 'finished') await this.#drop(id)
  }

  #remove(id: PipelineId, entry: Entry): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id)
  }

  /** To be called when the seat has ended or the dispatcher stops: no more jobs are placed. */
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
