import type { RepositoryView } from '#root/src/contract/rest/rest-repositories.ts'
import type {
  AttemptView,
  JobView,
  LogLine,
  PipelineView,
  RunnerView,
  StepView,
} from '#root/src/contract/rest/views.ts'

/** Noon and a second, wherever the test runs: the views print local times. */
export const NOON = new Date(2026, 0, 2, 12, 0, 1).getTime()

export function aPipeline(changes: Partial<PipelineView> = {}): PipelineView {
  return {
    id: 'pipeline_1',
    number: 12,
    repositoryId: 'repo_1',
    repositoryName: 'team/app',
    name: 'app',
    status: 'running',
    problems: [],
    event: {
      id: 'event_1',
      kind: 'push',
      ref: 'refs/heads/main',
      sha: '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d',
      title: 'Fix the flux',
      author: 'Ada',
      source: 'webhook',
      receivedAt: NOON,
    },
    phases: [],
    createdAt: NOON,
    startedAt: NOON,
    ...changes,
  }
}

export function aStep(index: number, name: string, changes: Partial<StepView> = {}): StepView {
  return { index, name, status: 'waiting', ...changes }
}

export function anAttempt(steps: StepView[], changes: Partial<AttemptView> = {}): AttemptView {
  return {
    number: 1,
    status: 'running',
    runnerId: 'runner_1',
    assignedAt: NOON,
    startedAt: NOON,
    decision: {
      runnerId: 'runner_1',
      runnerName: 'build-1',
      heuristic: 'least-loaded',
      reason: 'it has the most free slots',
      considered: [],
    },
    phases: [],
    steps,
    lines: 0,
    ...changes,
  }
}

export function aJob(name: string, steps: StepView[], changes: Partial<JobView> = {}): JobView {
  return {
    id: `job_${name}`,
    pipelineId: 'pipeline_1',
    name,
    needs: [],
    labels: [],
    stepNames: steps.map((step) => step.name),
    status: 'running',
    attempt: 1,
    attempts: [anAttempt(steps)],
    queuedAt: NOON,
    startedAt: NOON,
    ...changes,
  }
}

export function aLine(number: number, step: number, text: string): LogLine {
  return { number, step, at: NOON + number, stream: 'stdout', text }
}

export function aRepository(changes: Partial<RepositoryView> = {}): RepositoryView {
  return {
    id: 'repo_1',
    name: 'team/app',
    forge: 'git',
    cloneUrl: 'https://git.example.com/team/app.git',
    pollIntervalMs: 60_000,
    createdAt: NOON,
    ...changes,
  }
}

export function aRunner(changes: Partial<RunnerView> = {}): RunnerView {
  return {
    id: 'runner_1',
    name: 'build-1',
    link: 'dialled',
    url: 'http://10.0.0.5:4750',
    balanced: false,
    members: 1,
    state: 'online',
    labels: ['linux', 'amd64'],
    engines: ['docker'],
    jobNetwork: { kind: 'rules', deniesPrivate: false, holes: [], alsoPrivate: [] },
    flawedTools: [{ name: 'runc', version: '1.3.2', holes: ['CVE-2025-31133: a hole'] }],
    slots: 4,
    busy: 1,
    registeredAt: NOON,
    lastSeenAt: NOON,
    ...changes,
  }
}
