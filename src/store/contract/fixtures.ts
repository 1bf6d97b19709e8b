import type { LogLine } from '../../contract/rest/views.ts'
import type { Attempt, AttemptFacts, AttemptState } from '../../core/attempt/attempt.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { RepositoryId, RunnerId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { newId } from '../../lib/new-id.ts'
import type { NewPipeline, RepositoryRecord } from '../records.ts'
import type { Store } from '../store.ts'

/** A database of one's own that several stores can be opened on, gone on disposal. */
export interface TestDatabase extends AsyncDisposable {
  connect(): Promise<Store>
}

/** Makes an empty database. */
export type OpenDatabase = () => Promise<TestDatabase>

/** `await using world = await openWorld(open)`: a database with a store on it. */
export async function openWorld(open: OpenDatabase) {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await open())
  const connect = async () => stack.use(await database.connect())
  const store = await connect()
  const owned = stack.move()
  return {
    store,
    /** Another store on the same database. */
    connect: async () => owned.use(await database.connect()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function aRepository(over: Partial<RepositoryRecord> = {}): RepositoryRecord {
  const id = newId('repo')
  return {
    id,
    name: `acme/${id}`,
    forge: 'github',
    cloneUrl: 'https://example.com/acme/app.git',
    webhookSecret: 'secret',
    pollIntervalMs: 0,
    createdAt: 1000,
    ...over,
  }
}

let commits = 0

export function anEvent(repositoryId: RepositoryId, over: Partial<CommitEvent> = {}): CommitEvent {
  return {
    id: newId('event'),
    repositoryId,
    kind: 'push',
    ref: 'refs/heads/main',
    sha: (++commits).toString(16).padStart(40, '0'),
    title: 'Mend the roof',
    author: 'Ada',
    trust: { actorId: 7 },
    source: 'webhook',
    receivedAt: 2000,
    ...over,
  }
}

export function aPipeline(event: CommitEvent, over: Partial<NewPipeline> = {}): NewPipeline {
  return { id: newId('pipeline'), eventId: event.id, phases: [], createdAt: 3000, ...over }
}

export function aJob(pipeline: Pipeline, over: Partial<Job> = {}): Job {
  return {
    id: newId('job'),
    pipelineId: pipeline.id,
    repositoryId: pipeline.repositoryId,
    position: 0,
    spec: {
      name: 'build',
      image: 'node:24',
      env: {},
      needs: [],
      labels: ['linux'],
      steps: [{ name: 'test', command: 'npm test', dependencies: [], env: {} }],
    },
    state: { status: 'queued', attempt: 1, queuedAt: 4000 },
    fence: 0,
    attempts: [],
    version: 1,
    ...over,
  }
}

export function anAttempt(
  over: Partial<AttemptFacts> = {},
  state: AttemptState = { status: 'assigned' },
): Attempt {
  const runnerId: RunnerId = 'runner_1'
  return {
    number: 1,
    runnerId,
    fence: 1,
    assignedAt: 5000,
    decision: {
      runnerId,
      runnerName: 'one',
      heuristic: 'least-loaded',
      reason: 'fewest busy slots: 0 of 2',
      considered: [{ runnerId, name: 'one', busy: 0, slots: 2 }],
    },
    phases: [{ name: 'queued', startedAt: 4000, durationMs: 12.5 }],
    steps: [{ name: 'test', status: 'waiting' }],
    lines: 0,
    logBytes: 0,
    lastSeq: 0,
    ...over,
    ...state,
  }
}

export function aRunner(over: Partial<Runner> = {}): Runner {
  const id = newId('runner')
  return {
    id,
    name: id,
    link: { kind: 'dialled', url: 'http://127.0.0.1:5000', balanced: false, token: 'secret' },
    members: 1,
    state: 'online',
    labels: ['linux'],
    engines: ['docker'],
    slots: 2,
    busy: 0,
    hardware: { cpus: 2, memoryBytes: 8e9, architecture: 'x64', operatingSystem: 'linux' },
    softwareVersion: '0.1.0',
    flawedTools: [{ name: 'git', version: '2.39.5', holes: ['CVE-2025-48384: writes elsewhere'] }],
    draining: false,
    failures: 0,
    registeredAt: 1000,
    lastSeenAt: 1500,
    ...over,
  }
}

export function lines(first: number, count: number, text = 'hello'): LogLine[] {
  return Array.from({ length: count }, (_, index) => ({
    number: first + index,
    step: 0,
    at: 6000 + first + index,
    stream: 'stdout',
    text: `${text} ${first + index}`,
  }))
}

/** Registers a repository. */
export async function seedRepository(store: Store, over: Partial<RepositoryRecord> = {}) {
  const repository = aRepository(over)
  await store.transact((write) => write.repositories.insert(repository, []))
  return repository
}

/** A repository with an event and its pipeline. */
export async function seedPipeline(store: Store) {
  const repository = await seedRepository(store)
  const event = anEvent(repository.id)
  const { result } = await store.transact(async (write) => {
    await write.events.accept([event])
    return write.pipelines.create(aPipeline(event))
  })
  return { repository, event, pipeline: result.pipeline }
}

/** A job with its first attempt, assigned under fence 1. */
export async function seedAttempt(store: Store) {
  const seeded = await seedPipeline(store)
  const inserted = aJob(seeded.pipeline)
  await store.transact((write) => write.jobs.insert([inserted]))
  const assigned: Job = { ...inserted, fence: 1, attempts: [anAttempt()] }
  const { result: job } = await store.transact((write) => write.jobs.save(assigned, [1]))
  return { ...seeded, job, log: { jobId: job.id, attempt: 1, fence: 1 } }
}
