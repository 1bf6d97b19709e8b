import { randomBytes } from 'node:crypto'
import { chunkOf } from '../../src/contract/log/log-chunk.ts'
import type { RepositoryId } from '../../src/core/ids.ts'
import {
  aJob,
  anAttempt,
  anEvent,
  aPipeline,
  seedRepository,
} from '../../src/store/contract/fixtures.ts'
import type { Store, StoreWriter } from '../../src/store/store.ts'

const DAY = 86_400_000
/** What runners make of a step that prints much. */
const CHUNK_BYTES = 256 * 1024
/** In one transaction. */
const BATCH = 20

export interface HistoryOptions {
  readonly pipelines: number
  /** What each has printed. */
  readonly logBytes: number
  /** Days since the newest and the oldest of them. */
  readonly youngest: number
  readonly oldest: number
  readonly signal: AbortSignal
}

/** Writes pipelines of one job each that have ended long ago, spread evenly over time. */
export async function writeHistory(store: Store, options: HistoryOptions): Promise<void> {
  const { pipelines, youngest, oldest, signal } = options
  const repository = await seedRepository(store, { createdAt: Date.now() - oldest * DAY })
  for (let from = 0; from < pipelines; from += BATCH) {
    signal.throwIfAborted()
    await store.transact(async (write) => {
      for (let n = from; n < Math.min(pipelines, from + BATCH); n++) {
        const age = oldest - ((oldest - youngest) * n) / pipelines
        await writePipeline(write, repository.id, { at: Date.now() - age * DAY, ...options })
      }
    })
  }
}

async function writePipeline(
  write: StoreWriter,
  repositoryId: RepositoryId,
  { at, logBytes }: { at: number; logBytes: number },
): Promise<void> {
  const sha = randomBytes(20).toString('hex')
  const event = anEvent(repositoryId, { sha, author: 'Ada Lovelace', receivedAt: at })
  await write.events.accept([event])
  const { pipeline } = await write.pipelines.create(aPipeline(event, { createdAt: at }))
  const queued = { status: 'queued', attempt: 1, queuedAt: at } as const
  const job = aJob(pipeline, { state: queued, fence: 1 })
  await write.jobs.insert([job])
  const steps = [{ name: 'test', status: 'running', startedAt: at } as const]
  const attempt = anAttempt({ assignedAt: at, steps }, { status: 'running', startedAt: at })
  await write.jobs.save({ ...job, attempts: [attempt] }, [1])
  const chunks = Math.ceil(logBytes / CHUNK_BYTES)
  for (let n = 0; n < chunks; n++) {
    const text = randomBytes(CHUNK_BYTES / 2).toString('hex')
    const line = { number: n, step: 0, at, stream: 'stdout', text } as const
    const log = { jobId: job.id, attempt: 1, fence: 1, firstLine: n, lastSeq: n + 1 }
    await write.logs.append({ ...log, chunks: [chunkOf(0, [line])] })
  }
  const state = { status: 'finished', outcome: 'failure', finishedAt: at + 1_000 } as const
  await write.pipelines.save({ ...pipeline, name: 'ci', state })
}
