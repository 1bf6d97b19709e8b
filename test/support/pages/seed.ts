import type { PipelineId, RunnerId } from '../../../src/core/ids.ts'
import type { Job } from '../../../src/core/job/job.ts'
import type { Pipeline } from '../../../src/core/pipeline/pipeline.ts'
import type { Runner } from '../../../src/core/runner/runner.ts'
import { newId } from '../../../src/lib/new-id.ts'
import { knownHoles } from '../../../src/runner/tools/known-holes.ts'
import type { RepositoryRecord } from '../../../src/store/records.ts'
import type { Stage } from '../stage.ts'
import { seedJob } from './seed-job.ts'
import { jobScripts, PEOPLE, REPOSITORIES, TITLES } from './seed-scripts.ts'

/** What the seeded Narwhal has for the pages. */
export interface Seeded {
  readonly failed: PipelineId
  readonly running: PipelineId
  readonly repository: string
  readonly queue: readonly Record<string, unknown>[]
}

interface Seeding {
  readonly stage: Stage
  readonly runners: readonly Runner[]
  /** From 0 up to 1, the same each time. */
  readonly random: () => number
}

const MINUTE = 60_000

/** Fills a Narwhal with some weeks of a small team's work, ending now. */
export async function seed(stage: Stage): Promise<Seeded> {
  const seeding = { stage, runners: await seedRunners(stage), random: dice(42) }
  const repositories: RepositoryRecord[] = []
  for (const name of REPOSITORIES) repositories.push(await stage.addRepository(name))
  for (let age = 64; age > 3; age--) {
    const at = Date.now() - age * age * 4 * MINUTE
    await seedPipeline(seeding, repositories[age % repositories.length] as RepositoryRecord, at)
  }
  const [first, second, third] = repositories as [
    RepositoryRecord,
    RepositoryRecord,
    RepositoryRecord,
  ]
  const failed = await seedPipeline(seeding, first, Date.now() - 9 * MINUTE, 'failure')
  await seedPipeline(seeding, third, Date.now() - 6 * MINUTE, 'success')
  const running = await seedPipeline(seeding, first, Date.now() - 1.6 * MINUTE, 'running')
  const other = await seedPipeline(seeding, second, Date.now() - 0.7 * MINUTE, 'running')
  return {
    failed: failed.id,
    running: running.id,
    repository: first.name,
    queue: queueOf([running, other]),
  }
}

function queueOf(pipelines: readonly Pipeline[]): Record<string, unknown>[] {
  const [one, other] = pipelines as [Pipeline, Pipeline]
  const queuedAt = Date.now() - 40_000
  const job = (position: number, more: Record<string, unknown>) => {
    return {
      jobId: newId('job'),
      labels: [],
      position,
      queuedAt: queuedAt + position * 5_000,
      ...more,
    }
  }
  const busy = 'all 12 slots of 3 runners are busy'
  const [first, second, third] = REPOSITORIES
  return [
    job(1, {
      pipelineId: one.id,
      repositoryName: first,
      name: 'e2e',
      reason: busy,
      expectedStartAt: Date.now() + 41_000,
    }),
    job(2, {
      pipelineId: other.id,
      repositoryName: second,
      name: 'test (node 24)',
      reason: busy,
      expectedStartAt: Date.now() + 66_000,
    }),
    job(3, {
      pipelineId: other.id,
      repositoryName: second,
      name: 'train',
      reason: 'no runner has the label gpu',
    }),
    job(4, {
      pipelineId: one.id,
      repositoryName: third,
      name: 'release',
      reason: 'the only runner with label mac is offline: mini-1',
    }),
  ]
}

async function seedRunners(stage: Stage): Promise<Runner[]> {
  const hardware = {
    cpus: 16,
    memoryBytes: 64 * 2 ** 30,
    architecture: 'x64',
    operatingSystem: 'linux',
  }
  const jobNetwork = {
    kind: 'rules',
    deniesPrivate: false,
    holes: ['git.internal:443'],
    alsoPrivate: [],
  } as const
  const add = (name: string, more: Partial<Runner>) =>
    stage.addRunner({
      name,
      slots: 4,
      hardware,
      softwareVersion: '0.1.0',
      link: { kind: 'attached', identityHash: name },
      ...more,
    })
  const runners = [
    await add('build-1', {
      busy: 4,
      labels: ['linux', 'docker', 'x64'],
      hardware: {
        ...hardware,
        jobNetwork,
        containers: {
          how: 'runc 1.1.5, with a user namespace of 65536 ids from 1879048192',
          better: ['crun is not installed, and starts containers faster: apt-get install crun'],
        },
      },
      flawedTools: [{ name: 'git', version: '2.43.6', holes: knownHoles('git', '2.43.6') }],
    }),
    await add('build-2', { busy: 3, labels: ['linux', 'docker', 'x64'] }),
    await add('arm-1', {
      busy: 2,
      labels: ['linux', 'arm64'],
      hardware: { ...hardware, cpus: 8, architecture: 'arm64' },
    }),
  ]
  const reason = '3 attempts in a row failed for a reason of its own: no space left on device'
  await add('build-3', {
    state: 'set_aside',
    reason,
    asideReason: reason,
    labels: ['linux', 'docker'],
  })
  await add('mini-1', {
    state: 'offline',
    labels: ['mac'],
    slots: 2,
    lastSeenAt: Date.now() - 3 * 3600_000,
  })
  return runners
}

/** An hour of load of each runner, reported as runners do. */
export function tellLoad(stage: Stage, runners: readonly { id: RunnerId; slots: number }[]): void {
  const random = dice(7)
  for (const [index, { id, slots }] of runners.entries()) {
    for (let n = 120; n >= 0; n--) {
      const wave = 0.5 + 0.3 * Math.sin(n / 9 + index * 2) + 0.15 * random()
      const memoryTotalBytes = 64 * 2 ** 30
      const sample = {
        runnerId: id,
        at: Date.now() - n * 30_000,
        slots,
        busy: Math.round(wave * slots),
        load: wave * 1.1,
        cpu: Math.min(1, wave),
        memoryUsedBytes: Math.round(memoryTotalBytes * (0.25 + 0.3 * wave)),
        memoryTotalBytes,
        diskFreeBytes: 200 * 2 ** 30,
      }
      stage.tell({ type: 'runner.sampled', sample })
    }
  }
}

async function seedPipeline(
  seeding: Seeding,
  repository: RepositoryRecord,
  at: number,
  wanted?: 'success' | 'failure' | 'running',
): Promise<Pipeline> {
  const { stage, random } = seeding
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item
  const isPull = random() < 0.3
  const pipeline = await stage.addPipeline(repository.id, {
    title: pick(TITLES),
    author: pick(PEOPLE),
    ref: isPull
      ? `refs/pull/${Math.floor(random() * 300)}/head`
      : `refs/heads/${pick(['main', 'main', 'main', 'next', 'feature/faster-start', 'fix/login'])}`,
    kind: isPull ? 'pull_request' : 'push',
    receivedAt: Math.round(at),
  })
  const outcome = wanted ?? (random() < 0.8 ? 'success' : 'failure')
  return await runScript(seeding, { ...pipeline, createdAt: Math.round(at) }, outcome)
}

async function runScript(
  { stage, runners, random }: Seeding,
  pipeline: Pipeline,
  outcome: 'success' | 'failure' | 'running',
): Promise<Pipeline> {
  const from = pipeline.createdAt
  const scripts = jobScripts(outcome, random)
  const { jobs } = await stage.plan(
    pipeline,
    scripts.map(({ spec }) => spec),
  )
  let endAt = from
  for (const [index, script] of scripts.entries()) {
    const runner = runners[Math.floor(random() * runners.length)] as Runner
    endAt = Math.max(
      endAt,
      await seedJob(stage, jobs[index] as Job, { script, runner, from: from + 400 }),
    )
  }
  const phases = [
    { name: 'accept', startedAt: from - 40, durationMs: 12 },
    { name: 'queue', startedAt: from - 28, durationMs: 28 },
    { name: 'fetch', startedAt: from + 10, durationMs: 260 },
    { name: 'plan', startedAt: from + 270, durationMs: 110 },
  ]
  const startedAt = from + 400
  const state: Pipeline['state'] =
    outcome === 'running'
      ? { status: 'running', startedAt }
      : { status: 'finished', outcome, startedAt, finishedAt: endAt }
  const { result } = await stage.store.transact(async (write) => {
    const found = await write.pipelines.find(pipeline.id)
    return write.pipelines.save({ ...(found?.pipeline ?? pipeline), name: 'ci', phases, state })
  })
  return result
}

/** A generator of its own, so that pictures look the same each time (mulberry32). */
function dice(seedNumber: number): () => number {
  let state = seedNumber
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
