import { randomBytes } from 'node:crypto'
import { chunkOf } from '../../src/contract/log/log-chunk.ts'
import type { Attempt } from '../../src/core/attempt/attempt.ts'
import type { RepositoryId } from '../../src/core/ids.ts'
import type { Job } from '../../src/core/job/job.ts'
import type { JobSpec } from '../../src/core/plan/plan.ts'
import { newId } from '../../src/lib/new-id.ts'
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
  const repositoryId = newId('repo')
  await store.transact((write) =>
    write.repositories.insert(
      {
        id: repositoryId,
        name: 'bench/retention',
        forge: 'git',
        cloneUrl: 'https://git.example.test/bench/retention.git',
        webhookSecret: 'secret',
        pollIntervalMs: 0,
        createdAt: Date.now() - oldest * DAY,
      },
      [],
    ),
  )
  for (let from = 0; from < pipelines; from += BATCH) {
    signal.throwIfAborted()
    await store.transact(async (write) => {
      for (let n = from; n < Math.min(pipelines, from + BATCH); n++) {
        const age = oldest - ((oldest - youngest) * n) / pipelines
        await writePipeline(write, repositoryId, { at: Date.now() - age * DAY, ...options })
      }
    })
  }
}

async function writePipeline(
  write: StoreWriter,
  repositoryId: RepositoryId,
  { at, logBytes }: { at: number; logBytes: number },
): Promise<void> {
  const eventId = newId('event')
  await write.events.accept([
    {
      id: eventId,
      repositoryId,
      kind: 'push',
      ref: 'refs/heads/main',
      sha: randomBytes(20).toString('hex'),
      title: 'Mend the roof',
      author: 'Ada Lovelace',
      trust: {},
      source: 'webhook',
      receivedAt: at,
    },
  ])
  const fresh = { id: newId('pipeline'), eventId, phases: [], createdAt: at }
  const { pipeline } = await write.pipelines.create(fresh)
  const job = aJob({ pipelineId: pipeline.id, repositoryId }, at)
  await write.jobs.insert([job])
  await write.jobs.save({ ...job, attempts: [anAttempt(at)] }, [1])
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

const SPEC: JobSpec = { name: 'build', env: {}, needs: [], labels: [], steps: [] }

function aJob(of: Pick<Job, 'pipelineId' | 'repositoryId'>, at: number): Job {
  const state = { status: 'queued', attempt: 1, queuedAt: at } as const
  const id = newId('job')
  return { ...of, id, position: 0, spec: SPEC, state, fence: 1, attempts: [], version: 1 }
}

function anAttempt(at: number): Attempt {
  return {
    number: 1,
    runnerId: 'runner_1',
    fence: 1,
    status: 'running',
    assignedAt: at,
    startedAt: at,
    decision: {
      runnerId: 'runner_1',
      runnerName: 'one',
      heuristic: 'least-loaded',
      reason: 'fewest busy slots: 0 of 2',
      considered: [],
    },
    phases: [],
    steps: [{ name: 'test', status: 'running', startedAt: at }],
    lines: 0,
    logBytes: 0,
    lastSeq: 0,
  }
}
