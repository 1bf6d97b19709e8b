import type { Attempt, AttemptFacts, AttemptState } from '../attempt/attempt.ts'
import type { Job } from '../job/job.ts'
import type { JobSpec } from '../plan/plan.ts'
import type { Pipeline } from './pipeline.ts'

export function aPipeline(over: Partial<Pipeline> = {}): Pipeline {
  return {
    id: 'pipeline_1',
    repositoryId: 'repo_1',
    eventId: 'event_1',
    number: 1,
    name: '',
    state: { status: 'running', startedAt: 1 },
    problems: [],
    phases: [],
    createdAt: 0,
    term: 1,
    version: 1,
    ...over,
  }
}

/** Its id is `job_` with its name; it waits for a runner, or for what it needs. */
export function aJob(spec: Partial<JobSpec> & Pick<JobSpec, 'name'>, over: Partial<Job> = {}): Job {
  const { needs = [] } = spec
  return {
    id: `job_${spec.name}`,
    pipelineId: 'pipeline_1',
    repositoryId: 'repo_1',
    position: 0,
    spec: { env: {}, labels: [], steps: [], ...spec, needs },
    state:
      needs.length > 0
        ? { status: 'blocked', attempt: 1 }
        : { status: 'queued', attempt: 1, queuedAt: 1 },
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
  return {
    number: 1,
    runnerId: 'runner_1',
    fence: 1,
    assignedAt: 2,
    decision: {
      runnerId: 'runner_1',
      runnerName: 'r',
      heuristic: 'random',
      reason: 'x',
      considered: [],
    },
    phases: [],
    steps: [],
    lines: 0,
    logBytes: 0,
    lastSeq: 0,
    ...over,
    ...state,
  }
}
