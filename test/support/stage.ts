import { EmbeddedBroker } from '../../src/broker/embedded.ts'
import { topicOf } from '../../src/contract/live/event-message.ts'
import type { PublishedEvent } from '../../src/contract/live/live-event.ts'
import type { LogLine } from '../../src/contract/rest/views.ts'
import type { Attempt, Step } from '../../src/core/attempt/attempt.ts'
import type { CommitEvent } from '../../src/core/commit-event.ts'
import type { RepositoryId } from '../../src/core/ids.ts'
import type { Job } from '../../src/core/job/job.ts'
import { advanceJob } from '../../src/core/job/job-state.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { Pipeline } from '../../src/core/pipeline/pipeline.ts'
import type { JobSpec } from '../../src/core/plan/plan.ts'
import type { Runner } from '../../src/core/runner/runner.ts'
import { silentLog } from '../../src/lib/log.ts'
import { newId } from '../../src/lib/new-id.ts'
import type { RepositoryRecord } from '../../src/store/records.ts'
import type { Store, StoreWriter } from '../../src/store/store.ts'
import { logAppend } from './log-append.ts'
import { openTestStore } from './test-store.ts'

/**
 * A store and an embedded broker, with methods that write and publish what agents, dispatchers and runners
 * would: for tests of readers. `isTelling = false` loses the events.
 */
export class Stage implements AsyncDisposable {
  readonly store: Store
  readonly broker = new EmbeddedBroker(silentLog())
  isTelling = true
  #shas = 0

  private constructor(store: Store) {
    this.store = store
  }

  static async open(): Promise<Stage> {
    return new Stage(await openTestStore())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }

  tell(event: PublishedEvent): void {
    if (this.isTelling) this.broker.publishEvent(topicOf(event), { v: 1, event })
  }

  async write<Result>(work: (write: StoreWriter) => Promise<Result>): Promise<Result> {
    const { result, changes } = await this.store.transact(work)
    for (const change of changes) this.tell(change)
    return result
  }

  async addRepository(name = 'acme/widgets'): Promise<RepositoryRecord> {
    const repository: RepositoryRecord = {
      id: newId('repo'),
      name,
      forge: 'git',
      cloneUrl: `https://someone:secret@git.example.test/${name}.git`,
      webhookSecret: 'a secret',
      pollIntervalMs: 0,
      createdAt: Date.now(),
    }
    await this.write((write) => write.repositories.insert(repository, []))
    return repository
  }

  async addPipeline(
    repositoryId: RepositoryId,
    event: Partial<CommitEvent> = {},
  ): Promise<Pipeline> {
    const accepted: CommitEvent = {
      id: newId('event'),
      repositoryId,
      kind: 'push',
      ref: 'refs/heads/main',
      sha: (++this.#shas * 0x9e3779b1).toString(16).padEnd(40, '7').slice(0, 40),
      title: 'Mend the roof',
      author: 'Ada Lovelace',
      trust: {},
      source: 'webhook',
      receivedAt: Date.now(),
      ...event,
    }
    return this.write(async (write) => {
      await write.events.accept([accepted])
      const fresh = { id: newId('pipeline'), eventId: accepted.id, phases: [] }
      const { pipeline } = await write.pipelines.create({
        ...fresh,
        createdAt: accepted.receivedAt,
      })
      return pipeline
    })
  }

  async plan(
    pipeline: Pipeline,
    specs: readonly Partial<JobSpec>[],
  ): Promise<{ pipeline: Pipeline; jobs: Job[] }> {
    const jobs = specs.map((spec, position): Job => {
      const whole = { name: `job ${position}`, env: {}, needs: [], labels: [], steps: [], ...spec }
      return {
        id: newId('job'),
        pipelineId: pipeline.id,
        repositoryId: pipeline.repositoryId,
        position,
        spec: whole,
        state:
          whole.needs.length > 0
            ? { status: 'blocked', attempt: 1 }
            : { status: 'queued', attempt: 1, queuedAt: Date.now() },
        fence: 0,
        attempts: [],
        version: 1,
      }
    })
    const running = { status: 'running', startedAt: Date.now() } as const
    const planned = await this.write(async (write) => {
      await write.jobs.insert(jobs)
      return write.pipelines.save({ ...pipeline, name: 'ci', state: running })
    })
    return { pipeline: planned, jobs }
  }

  /** A runner has taken the job and runs its first step. */
  async start(job: Job, runner?: Runner): Promise<Job> {
    const at = Date.now()
    const runnerId = runner?.id ?? 'runner_1'
    const fence = job.fence + 1
    const { attempt: number } = job.state
    const assigned = advanceJob(job.state, { type: 'assigned', runnerId, fence, at })
    const attempt: Attempt = {
      number,
      runnerId,
      fence,
      status: 'running',
      assignedAt: at,
      startedAt: at,
      decision: {
        runnerId,
        runnerName: runner?.name ?? 'one',
        heuristic: 'least-loaded',
        reason: 'fewest busy slots: 0 of 2',
        considered: [],
      },
      phases: [],
      steps: job.spec.steps.map(({ name }, index): Step => {
        return index === 0
          ? { name, status: 'running', startedAt: at }
          : { name, status: 'waiting' }
      }),
      lines: 0,
      logBytes: 0,
      lastSeq: 0,
    }
    const state = advanceJob(assigned, { type: 'started', attempt: number, fence, at })
    const next = { ...job, state, fence, attempts: [...job.attempts, attempt] }
    return this.write((write) => write.jobs.save(next, [number]))
  }

  /** The newest attempt prints lines from `from` on. */
  async print(job: Job, from: number, texts: readonly string[], step = 0): Promise<void> {
    const attempt = job.attempts.at(-1)
    if (!attempt) throw new Error('the job has not started')
    const lines = texts.map((text, index): LogLine => {
      return { number: from + index, step, at: Date.now(), stream: 'stdout', text }
    })
    const log = { jobId: job.id, attempt: attempt.number, fence: attempt.fence, lastSeq: from }
    await this.write((write) => write.logs.append(logAppend(log, lines)))
    this.tell({ type: 'log.appended', jobId: job.id, attempt: attempt.number, lines })
  }

  /** Ends the attempt and all its steps with this outcome. */
  async finish(job: Job, outcome: Outcome = 'success'): Promise<Job> {
    const at = Date.now()
    const last = job.attempts.at(-1)
    if (!last) throw new Error('the job has not started')
    const steps = last.steps.map((step): Step => {
      const exitCode = outcome === 'success' ? 0 : 1
      const startedAt = step.status === 'waiting' ? at : (step.startedAt ?? at)
      return { ...step, status: 'finished', outcome, exitCode, startedAt, finishedAt: at }
    })
    const ended: Attempt = { ...last, status: 'finished', outcome, steps, finishedAt: at }
    const { number, fence } = last
    const state = advanceJob(job.state, { type: 'finished', attempt: number, fence, outcome, at })
    const next = { ...job, state, attempts: [...job.attempts.slice(0, -1), ended] }
    return this.write((write) => write.jobs.save(next, [number]))
  }

  async end(pipeline: Pipeline, outcome: Outcome = 'success'): Promise<Pipeline> {
    const { startedAt } = pipeline.state as { startedAt: number }
    const state = { status: 'finished', outcome, startedAt, finishedAt: Date.now() } as const
    return this.write((write) => write.pipelines.save({ ...pipeline, state }))
  }

  /** A repository with a pipeline of one job with one running step. */
  async runJob(): Promise<{ pipeline: Pipeline; job: Job }> {
    const repository = await this.addRepository(`acme/${newId('app')}`)
    const created = await this.addPipeline(repository.id)
    const steps = [{ name: 'test', command: 'npm test', dependencies: [], env: {} }]
    const { pipeline, jobs } = await this.plan(created, [{ name: 'build', steps }])
    return { pipeline, job: await this.start(jobs[0] as Job) }
  }

  async addRunner(over: Partial<Runner> = {}): Promise<Runner> {
    const runner: Runner = {
      id: newId('runner'),
      name: 'one',
      link: { kind: 'in-process' },
      members: 1,
      state: 'online',
      labels: ['linux'],
      engines: ['docker'],
      slots: 2,
      busy: 0,
      hardware: { cpus: 2, memoryBytes: 8e9, architecture: 'x64', operatingSystem: 'linux' },
      draining: false,
      failures: 0,
      registeredAt: Date.now(),
      lastSeenAt: Date.now(),
      ...over,
    }
    await this.write((write) => write.runners.save(runner))
    return runner
  }
}
