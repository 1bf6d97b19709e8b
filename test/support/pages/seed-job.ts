import { type Attempt, resultOf, type Step } from '../../../src/core/attempt/attempt.ts'
import type { Job } from '../../../src/core/job/job.ts'
import type { JobState } from '../../../src/core/job/job-state.ts'
import type { Runner } from '../../../src/core/runner/runner.ts'
import { logAppend } from '../log-append.ts'
import type { Stage } from '../stage.ts'
import type { JobScript } from './seed-scripts.ts'

export interface JobSeed {
  readonly script: JobScript
  readonly runner: Runner
  readonly from: number
}

const IMAGES = [{ image: 'node:24-slim', digest: `sha256:${'8f3b12c4'.repeat(8)}` }]

/** Writes a job's history; resolves to when it ended. */
export async function seedJob(stage: Stage, job: Job, seed: JobSeed): Promise<number> {
  const { script, runner, from } = seed
  const start = from + script.startMs
  const idle = idleState(script, start)
  if (idle) {
    await stage.write((write) => write.jobs.save({ ...job, state: idle }, []))
    return start
  }
  const attempt = attemptOf(job, { script, runner, start })
  const { finishedAt, outcome } = resultOf(attempt) ?? { finishedAt: start, outcome: 'success' }
  const state: JobState =
    attempt.status === 'finished'
      ? { status: 'finished', attempt: 1, outcome, startedAt: start, finishedAt }
      : {
          status: 'running',
          attempt: 1,
          queuedAt: start,
          runnerId: runner.id,
          fence: 1,
          assignedAt: attempt.assignedAt,
          startedAt: start,
        }
  const written = { ...job, state, fence: 1, attempts: [attempt] }
  const saved = await stage.write((write) => write.jobs.save(written, [1]))
  await seedLog(stage, saved, script)
  return finishedAt
}

/** The state of a job that no runner has had. */
function idleState({ state }: JobScript, at: number): JobState | undefined {
  if (state === 'queued') return { status: 'queued', attempt: 1, queuedAt: at }
  if (state === 'blocked') return { status: 'blocked', attempt: 1 }
  if (state !== 'skipped') return undefined
  const reason = 'a job that it needs did not succeed'
  return { status: 'finished', attempt: 1, outcome: 'skipped', reason, finishedAt: at }
}

async function seedLog(stage: Stage, job: Job, script: JobScript): Promise<void> {
  let next = 0
  for (const [step, texts] of script.logs.entries()) {
    const seeded = job.attempts[0]?.steps[step]
    const at = !seeded || seeded.status === 'waiting' ? undefined : seeded.startedAt
    if (at === undefined || texts.length === 0) continue
    const lines = texts.map((text, index) => {
      return { number: next + index, step, at: at + index * 37, stream: 'stdout' as const, text }
    })
    next += lines.length
    const log = { jobId: job.id, attempt: 1, fence: 1, lastSeq: next }
    await stage.store.transact((write) => write.logs.append(logAppend(log, lines)))
  }
}

const OUTPUTS = { version: '4.18.0', bundle: 'dist/storefront-4.18.0.tar.zst' }

function attemptOf(
  job: Job,
  { script, runner, start }: { script: JobScript; runner: Runner; start: number },
): Attempt {
  const { steps, endAt } = stepsOf(job, script, start + 900)
  const isRunning = script.state === 'running'
  const outcome = script.state === 'failure' ? 'failure' : 'success'
  return {
    number: 1,
    runnerId: runner.id,
    fence: 1,
    ...(isRunning
      ? { status: 'running', startedAt: start }
      : {
          status: 'finished',
          outcome,
          startedAt: start,
          finishedAt: endAt,
          ...(job.spec.name === 'build' ? { outputs: OUTPUTS } : {}),
        }),
    assignedAt: start - 30,
    decision: {
      runnerId: runner.id,
      runnerName: runner.name,
      heuristic: 'cache-affinity',
      reason: 'has built this repository before, and 1 of 4 slots is free',
      considered: [
        { runnerId: runner.id, name: runner.name, busy: 3, slots: 4 },
        {
          runnerId: 'runner_9',
          name: 'build-3',
          busy: 0,
          slots: 4,
          refusedBecause: 'is quarantined',
        },
      ],
    },
    phases: [
      { name: 'place', startedAt: start - 30 - script.waitMs, durationMs: script.waitMs },
      { name: 'fetch', startedAt: start, durationMs: 180 },
      { name: 'checkout', startedAt: start + 180, durationMs: 420 },
      { name: 'sandbox', startedAt: start, durationMs: 880, images: IMAGES },
    ],
    steps,
    lines: 0,
    logBytes: 0,
    lastSeq: 0,
  }
}

function stepsOf(job: Job, script: JobScript, from: number): { steps: Step[]; endAt: number } {
  const isRunning = script.state === 'running'
  let at = from
  let isOver = false
  const steps = script.stepMs.map((ms, index): Step => {
    const name = job.spec.steps[index]?.name ?? ''
    if (isOver && isRunning) return { name, status: 'waiting' }
    if (isOver) return { name, status: 'finished', outcome: 'skipped' }
    const startedAt = at
    if (isRunning && index === 1) {
      isOver = true
      return { name, status: 'running', startedAt }
    }
    at += ms
    isOver = script.state === 'failure' && index === script.failsAt
    const outcome = isOver ? 'failure' : 'success'
    return {
      name,
      status: 'finished',
      startedAt,
      finishedAt: at,
      outcome,
      exitCode: isOver ? 1 : 0,
    }
  })
  return { steps, endAt: at }
}
