import { differsInLogOnly } from '../../core/attempt/attempt.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { DispatcherId, JobId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { LogAppend } from '../../store/ports/logs.ts'
import type { PipelineDetail, RepositoryRecord } from '../../store/records.ts'
import type { StoreReader, StoreWriter } from '../../store/store.ts'
import type { Announcer } from './announcer.ts'
import type { Recorder } from './recorder.ts'
import { toldOf } from './told-log.ts'

export interface LedgerDeps {
  readonly store: StoreReader
  readonly recorder: Recorder
  readonly announcer: Announcer
  /** Whose pipeline it must be. */
  readonly dispatcherId: DispatcherId
}

/** What belongs to a change, in the same transaction. */
export interface ChangeParts {
  /** Log lines, also where nothing else changes. */
  readonly log?: (draft: PipelineDraft) => LogAppend | undefined
  /** Takes what the change needs; where it says no, nothing is changed. */
  readonly enter?: ((write: StoreWriter) => Promise<boolean>) | undefined
  /** Writes down who has made the change; not called where there is none. */
  readonly audit?: ((write: StoreWriter, after: PipelineDraft) => void) | undefined
}

const MAX_CONFLICTS = 5

/**
 * One pipeline as the store has it. Changes are made one at a time: computed from the newest
 * state, written, then kept. When the store says that its state is newer than ours, ours is read
 * again and the change is computed anew, so a change that was written already becomes none. Every
 * write is refused with `stale` once another dispatcher has the pipeline, and then for ever.
 */
export class PipelineLedger {
  readonly #deps: LedgerDeps
  readonly #serial = new SerialQueue()
  readonly event: CommitEvent
  readonly repository: RepositoryRecord
  readonly #term: number
  #draft: PipelineDraft

  /** Of what the store has: rejects with `stale` when it is another dispatcher's. */
  constructor(deps: LedgerDeps, detail: PipelineDetail) {
    const { id, dispatcherId: holder } = detail.pipeline
    if (holder !== deps.dispatcherId) {
      throw new NarwhalError('stale', `${id} is with ${holder ?? 'no dispatcher'}`)
    }
    this.#deps = deps
    this.event = detail.event
    this.repository = detail.repository
    this.#term = detail.pipeline.term
    this.#draft = { pipeline: detail.pipeline, jobs: detail.jobs }
  }

  /** The term under which the pipeline is ours. */
  get term(): number {
    return this.#term
  }

  get draft(): PipelineDraft {
    return this.#draft
  }

  getJob(id: JobId): Job {
    const job = this.#draft.jobs.find((one) => one.id === id)
    if (!job) throw new NarwhalError('not_found', `there is no job ${id} in this pipeline`)
    return job
  }

  /**
   * Computes, writes and tells one change. Resolves with whether there was anything to change; an
   * unchanged draft writes nothing but the log lines that come with it.
   */
  change(
    compute: (draft: PipelineDraft) => PipelineDraft,
    { log, enter, audit }: ChangeParts = {},
  ): Promise<boolean> {
    return this.#serial.run(async () => {
      for (let conflicts = 0; ; conflicts++) {
        const before = this.#draft
        const after = compute(before)
        const append = log?.(before)
        if (after === before && !append) return false
        try {
          const saved = await this.#deps.recorder.record(
            async (write) => {
              await this.#guard(write)
              if (enter && !(await enter(write))) return undefined
              if (audit && after !== before) audit(write, after)
              return await save(write, before, after, append)
            },
            // What locks more than its pipeline shares its transaction with nobody.
            enter ? undefined : before.pipeline.id,
          )
          if (!saved) return false
          this.#draft = saved.draft
          const { appended } = saved
          if (appended && appended.chunks.length > 0) this.#deps.announcer.tell(toldOf(appended))
          return after !== before
        } catch (error) {
          if (!(error instanceof NarwhalError && error.code === 'conflict')) throw error
          if (conflicts === MAX_CONFLICTS) throw error
          await this.#reload()
        }
      }
    })
  }

  /** Rejects with `stale` when the pipeline is another dispatcher's by now. */
  async verify(): Promise<void> {
    await this.#deps.recorder.record((write) => this.#guard(write))
  }

  #guard(write: StoreWriter): Promise<void> {
    return write.pipelines.guard(this.#draft.pipeline.id, this.#deps.dispatcherId, this.#term)
  }

  async #reload(): Promise<void> {
    const { recorder, store } = this.#deps
    const { id } = this.#draft.pipeline
    const detail = await recorder.patiently(() => store.pipelines.find(id))
    if (!detail) throw new NarwhalError('not_found', `${id} is gone`)
    this.#draft = { pipeline: detail.pipeline, jobs: detail.jobs }
  }
}

async function save(
  write: StoreWriter,
  before: PipelineDraft,
  after: PipelineDraft,
  append: LogAppend | undefined,
): Promise<{ readonly draft: PipelineDraft; readonly appended?: LogAppend }> {
  const changed = new Map<JobId, readonly number[]>()
  for (const job of after.jobs) {
    const former = before.jobs.find(({ id }) => id === job.id)
    if (former && former !== job && !onlyLogGrew(former, job)) {
      changed.set(job.id, changedAttempts(former, job))
    }
  }
  const isAppended = append !== undefined && !isSavedAnyway(append, changed)
  const appended = isAppended && { ...append, chunks: await write.logs.append(append) }
  const created = after.jobs.filter((job) => !before.jobs.some(({ id }) => id === job.id))
  if (created.length > 0) await write.jobs.insert(created)
  const jobs: Job[] = []
  for (const job of after.jobs) {
    const attempts = changed.get(job.id)
    jobs.push(attempts ? await write.jobs.save(job, attempts) : job)
  }
  const isChanged = after.pipeline !== before.pipeline
  const pipeline = isChanged ? await write.pipelines.save(after.pipeline) : after.pipeline
  return { draft: { pipeline, jobs }, ...(appended ? { appended } : {}) }
}

/** Without lines it only says how far the runner's events have come, which the attempt says, too. */
function isSavedAnyway(
  { jobId, attempt, chunks }: LogAppend,
  changed: ReadonlyMap<JobId, readonly number[]>,
): boolean {
  return chunks.length === 0 && changed.get(jobId)?.includes(attempt) === true
}

function changedAttempts(before: Job, after: Job): number[] {
  return after.attempts
    .filter((attempt) => !before.attempts.includes(attempt))
    .map((attempt) => attempt.number)
}

/** Whether lines were appended and nothing else: `logs.append` has written all of that. */
function onlyLogGrew(before: Job, after: Job): boolean {
  return (
    before.state === after.state &&
    before.fence === after.fence &&
    before.attempts.length === after.attempts.length &&
    before.attempts.every((former, i) => {
      const now = after.attempts[i]
      return now !== undefined && differsInLogOnly(former, now)
    })
  )
}
