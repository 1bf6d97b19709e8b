import type {
  Change,
  Evidence,
  FinalAttempt,
  FinalJob,
  FinalPipeline,
  JobScript,
  StepRun,
} from '../evidence.ts'
import { makeLine } from '../work-script.ts'

/** Hand-made evidence for the tests of the checks: what is not given is empty. */
export function evidenceOf(given: Partial<Evidence>): Evidence {
  return {
    commits: [],
    deliveries: [],
    cancels: [],
    faults: [],
    lives: [],
    changes: [],
    owners: [],
    runs: [],
    pipelines: [],
    samples: [],
    unready: [],
    leftovers: [],
    staleWrites: 0,
    ...given,
  }
}

/** The lines that the only step of the only job prints. */
export const LINES = ['first', 'second', 'third', 'fourth'].map((word, seq) => makeLine(seq, word))

export const SCRIPT: JobScript = {
  name: 'only',
  needs: [],
  steps: [{ name: 'step', lines: LINES, linesBeforeBeats: [2, 2] }],
  exitCode: 0,
}

export const COMMIT = { sha: 'a'.repeat(40), ref: 'refs/heads/main', repository: 'me/one' }

export const PUSHED = { ...COMMIT, jobs: [SCRIPT], moves: ['move-1'] }

export function attemptOf(given: Partial<FinalAttempt> = {}): FinalAttempt {
  const log = LINES.map((text) => ({ step: 0, stream: 'stdout' as const, text }))
  return { number: 1, fence: 1, status: 'finished', outcome: 'success', log, ...given }
}

/** A job that has ended, in its last attempt's outcome. */
export function jobOf(attempts: readonly FinalAttempt[], given: Partial<FinalJob> = {}): FinalJob {
  return {
    id: 'job_1',
    name: 'only',
    status: 'finished',
    outcome: attempts.at(-1)?.outcome,
    attempt: attempts.length,
    fence: attempts.at(-1)?.fence ?? 0,
    attempts,
    ...given,
  }
}

export function pipelineOf(
  jobs: readonly FinalJob[],
  given: Partial<FinalPipeline> = {},
): FinalPipeline {
  return {
    ...COMMIT,
    id: 'pipeline_1',
    isRerun: false,
    status: 'finished',
    outcome: jobs[0]?.outcome,
    jobs,
    ...given,
  }
}

export function runOf(given: Partial<StepRun> = {}): StepRun {
  const { attempt = 1, step = 0, beganAt = 1_000 } = given
  return {
    jobId: 'job_1',
    attempt,
    step,
    token: `job_1.${attempt}.${step}.${beganAt}`,
    runner: 'runner-1',
    beganAt,
    lastAt: beganAt + 1_000,
    ended: true,
    ...given,
  }
}

/** State changes of a job, one after the other. */
export function changesOf(...states: Partial<Change>[]): Change[] {
  return states.map((state, index) => ({
    seq: index + 1,
    kind: 'job',
    id: 'job_1',
    pipelineId: 'pipeline_1',
    status: 'queued',
    attempt: 1,
    writtenWallMs: index,
    seenAt: index,
    ...state,
  }))
}
