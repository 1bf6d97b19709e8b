import { isDeepStrictEqual } from 'node:util'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { DispatcherId, JobId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { LogAppend } from '../../store/ports/logs.ts'
import type { PipelineDetail, RepositoryRecord } from '../../store/records.ts'
import type { Reads, StoreWriter, Writes } from '../../store/store.ts'
import { changedJobs } from './changed-jobs.ts'
import type { EventPublisher } from './event-publisher.ts'
import { logNotice } from './log-notice.ts'
import type { Recorder } from './recorder.ts'

export interface LedgerDeps {
  readonly store: Reads<'pipelines'>
  readonly recorder: Recorder
  readonly publisher: Pick<EventPublisher, 'publish'>
  /** The pipeline's owner. */
  readonly dispatcherId: DispatcherId
}

/** The next state of a pipeline, and the log lines to be written with it. */
export interface LedgerChange {
  readonly draft: PipelineDraft
  /** Written even if the draft is unchanged. */
  readonly log?: LogAppend | undefined
}

/** What belongs to a change, in the same transaction. */
export interface ChangeParts {
  /** Claims what the change needs; if it returns false, nothing is changed. */
  readonly enter?: ((write: StoreWriter) => Promise<boolean>) | undefined
  /** Records who has made the change; not called if there is none. */
  readonly audit?: ((write: StoreWriter, after: PipelineDraft) => void) | undefined
}

const MAX_CONFLICTS = 5

/**
 * One pipeline as the store has it. Changes are made one at a time: computed from the newest state, written,
 * then kept. When the store's state is newer than ours, ours is reloaded and the change computed again, so a
 * change that was written already becomes none; computations must be pure. Once another dispatcher owns the
 * pipeline, every write is rejected with `stale`.
 */
export class PipelineLedger {
  readonly #deps: LedgerDeps
  readonly #serial = new SerialQueue()
  #event: CommitEvent
  readonly repository: RepositoryRecord
  /** The term under which the pipeline is ours. */
  readonly term: number
  #draft: PipelineDraft

  /** Throws `stale` if the pipeline, as loaded, is another dispatcher's. */
  constructor(deps: LedgerDeps, detail: PipelineDetail) {
    const { id, dispatcherId: holder, term } = detail.pipeline
    if (holder !== deps.dispatcherId) {
      throw new NarwhalError('stale', `${id} is owned by ${holder ?? 'no dispatcher'}`)
    }
    this.#deps = deps
    this.#event = detail.event
    this.repository = detail.repository
    this.term = term
    this.#draft = { pipeline: detail.pipeline, jobs: detail.jobs }
  }

  get draft(): PipelineDraft {
    return this.#draft
  }

  /** As last read: it may be completed by what is told later. */
  get event(): CommitEvent {
    return this.#event
  }

  /** Reads the event again, between two changes. */
  async reloadEvent(): Promise<void> {
    await this.#serial.run(() => this.#reload())
  }

  getJob(id: JobId): Job {
    const job = this.#draft.jobs.find((one) => one.id === id)
    if (!job) throw new NarwhalError('not_found', `there is no job ${id} in this pipeline`)
    return job
  }

  /** Computes, writes and publishes one change. Resolves with whether there was anything to change. */
  async change(
    compute: (draft: PipelineDraft) => PipelineDraft,
    parts: ChangeParts = {},
  ): Promise<boolean> {
    const { isChanged } = await this.#apply((draft) => ({ draft: compute(draft) }), parts)
    return isChanged
  }

  /** Likewise, together with log lines. Resolves with the result of the computation that was written. */
  async changeWithLog<Change extends LedgerChange>(
    compute: (draft: PipelineDraft) => Change,
  ): Promise<Change> {
    const { change } = await this.#apply(compute, {})
    return change
  }

  #apply<Change extends LedgerChange>(
    compute: (draft: PipelineDraft) => Change,
    { enter, audit }: ChangeParts,
  ): Promise<{ readonly change: Change; readonly isChanged: boolean }> {
    return this.#serial.run(async () => {
      for (let conflicts = 0; ; conflicts++) {
        const before = this.#draft
        const change = compute(before)
        const { draft: after, log } = change
        const isChanged = after !== before
        if (!isChanged && !log) return { change, isChanged }
        try {
          const saved = await this.#deps.recorder.record(
            async (write) => {
              await this.#guard(write)
              if (enter && !(await enter(write))) return undefined
              if (audit && isChanged) audit(write, after)
              return await save(write, before, change)
            },
            // What locks more than its pipeline shares its transaction with nobody.
            enter ? undefined : before.pipeline.id,
          )
          if (!saved) return { change, isChanged: false }
          this.#draft = saved.draft
          if (saved.log?.chunks.length) this.#deps.publisher.publish(logNotice(saved.log))
          return { change, isChanged }
        } catch (error) {
          if (!(error instanceof NarwhalError && error.code === 'conflict')) throw error
          if (conflicts === MAX_CONFLICTS) throw error
          await this.#reload()
        }
      }
    })
  }

  /** Rejects with `stale` if another dispatcher owns the pipeline by now. */
  async verify(): Promise<void> {
    await this.#deps.recorder.record((write) => this.#guard(write))
  }

  #guard(write: Writes<'pipelines'>): Promise<void> {
    return write.pipelines.guard(this.#draft.pipeline.id, this.#deps.dispatcherId, this.term)
  }

  async #reload(): Promise<void> {
    const { recorder, store } = this.#deps
    const { id } = this.#draft.pipeline
    const detail = await recorder.retryWhileUnavailable(() => store.pipelines.find(id))
    if (!detail) throw new NarwhalError('not_found', `${id} has been deleted`)
    this.#draft = { pipeline: detail.pipeline, jobs: detail.jobs }
    if (!isDeepStrictEqual(detail.event, this.#event)) this.#event = detail.event
  }
}

/** Resolves with what was written, as the store has it. */
async function save(
  write: Writes<'jobs' | 'logs' | 'pipelines'>,
  before: PipelineDraft,
  { draft: after, log }: LedgerChange,
): Promise<LedgerChange> {
  const changed = changedJobs(before, after)
  // Without lines a log only says how far the runner's events have come, which the attempt says, too.
  const isSavedAnyway =
    log?.chunks.length === 0 && changed.get(log.jobId)?.includes(log.attempt) === true
  const written =
    log && !isSavedAnyway ? { ...log, chunks: await write.logs.append(log) } : undefined
  const known = new Set(before.jobs.map(({ id }) => id))
  const created = after.jobs.filter(({ id }) => !known.has(id))
  if (created.length > 0) await write.jobs.insert(created)
  const former = new Map(before.jobs.map(({ id, spec }) => [id, spec]))
  const jobs: Job[] = []
  for (const job of after.jobs) {
    const attempts = changed.get(job.id)
    const isReplanned = known.has(job.id) && former.get(job.id) !== job.spec
    if (isReplanned) await write.jobs.replan(job)
    jobs.push(attempts ? await write.jobs.save(job, attempts) : job)
  }
  const isChanged = after.pipeline !== before.pipeline
  const pipeline = isChanged ? await write.pipelines.save(after.pipeline) : after.pipeline
  return { draft: { pipeline, jobs }, ...present({ log: written }) }
}
