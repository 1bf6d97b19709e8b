import type {
  AttemptView,
  JobView,
  PhaseView,
  PipelineView,
  RunnerView,
} from '../contract/rest/views.ts'
import type { Attempt, Phase } from '../core/attempt/attempt.ts'
import type { CommitEvent, EventDetails } from '../core/commit-event.ts'
import type { Job } from '../core/job/job.ts'
import type { Pipeline } from '../core/pipeline/pipeline.ts'
import { partsOf } from '../core/plan/plan.ts'
import type { Runner } from '../core/runner/runner.ts'
import { present } from '../lib/present.ts'

/** Views of records for the API. */

export function pipelineView(
  pipeline: Pipeline,
  event: Omit<CommitEvent, 'repositoryId'>,
  repositoryName: string,
): PipelineView {
  const { state, rerunOf, startedBy, approval, hold, concurrency } = pipeline
  const { id, kind, ref, sha, title, author, source, receivedAt, trust } = event
  const { stranger } = trust
  return {
    id: pipeline.id,
    number: pipeline.number,
    repositoryId: pipeline.repositoryId,
    repositoryName,
    name: pipeline.name,
    status: state.status,
    ...(state.status === 'finished' && { outcome: state.outcome, finishedAt: state.finishedAt }),
    ...('reason' in state && { reason: state.reason }),
    ...('startedAt' in state && { startedAt: state.startedAt }),
    problems: [...pipeline.problems],
    ...present({ rerunOf, startedBy, approval, hold, concurrencyGroup: concurrency?.group }),
    ...(pipeline.target && {
      target: {
        isShort: pipeline.target.isShort,
        missing: [...pipeline.target.missing],
        failed: [...pipeline.target.failed],
      },
    }),
    ...(pipeline.changed && {
      changed: {
        pipeline: [...pipeline.changed.pipeline],
        others: [...pipeline.changed.others],
        total: pipeline.changed.total,
      },
    }),
    event: {
      id,
      kind,
      ref,
      sha,
      title,
      author,
      source,
      receivedAt,
      ...(stranger && { stranger }),
      ...detailsView(event.details),
    },
    phases: pipeline.phases.map(viewPhase),
    createdAt: pipeline.createdAt,
  }
}

function detailsView({ actions, part, targetBranch, request = {} }: EventDetails = {}) {
  const { labels, draft, milestone } = request
  return {
    ...(actions && { actions: [...actions] }),
    ...(labels && { labels: [...labels] }),
    ...present({ part, targetBranch, draft, milestone }),
  }
}

export function jobView(job: Job): JobView {
  const { spec, state } = job
  return {
    id: job.id,
    pipelineId: job.pipelineId,
    name: spec.name,
    needs: [...spec.needs],
    labels: [...spec.labels],
    stepNames: partsOf(spec).map(({ name }) => name),
    ...present({ image: spec.image, concurrencyGroup: spec.concurrency?.group }),
    status: state.status,
    ...(state.status === 'finished' && { outcome: state.outcome, finishedAt: state.finishedAt }),
    ...('reason' in state && { reason: state.reason }),
    attempt: state.attempt,
    attempts: job.attempts.map(attemptView),
    ...('queuedAt' in state && { queuedAt: state.queuedAt }),
    ...('startedAt' in state && { startedAt: state.startedAt }),
  }
}

function attemptView(attempt: Attempt): AttemptView {
  const { fence: _fence, lastSeq: _lastSeq, logBytes: _logBytes, decision, ...shown } = attempt
  return {
    ...shown,
    decision: { ...decision, considered: [...decision.considered] },
    phases: attempt.phases.map(viewPhase),
    steps: attempt.steps.map((step, index) => ({ index, ...step })),
  }
}

function viewMachine({
  jobNetwork,
  containers,
  ...hardware
}: NonNullable<Runner['hardware']>): Pick<RunnerView, 'hardware' | 'jobNetwork' | 'containers'> {
  return {
    hardware,
    ...(jobNetwork && {
      jobNetwork: {
        ...jobNetwork,
        holes: [...jobNetwork.holes],
        alsoPrivate: [...jobNetwork.alsoPrivate],
      },
    }),
    ...(containers && { containers: { ...containers, better: [...containers.better] } }),
  }
}

export function runnerView(runner: Runner): RunnerView {
  const {
    allowedLabels: _allowedLabels,
    seenBy: _seenBy,
    failures: _failures,
    asideReason: _asideReason,
    draining: _draining,
    link,
    softwareVersion,
    hardware,
    ...shown
  } = runner
  return {
    ...shown,
    link: link.kind,
    balanced: link.kind === 'dialled' && link.balanced,
    ...(link.kind === 'dialled' && { url: link.url }),
    labels: [...runner.labels],
    engines: [...runner.engines],
    strangerEngines: [...(runner.strangerEngines ?? [])],
    flawedTools: (runner.flawedTools ?? []).map((tool) => ({ ...tool, holes: [...tool.holes] })),
    ...(hardware && viewMachine(hardware)),
    ...present({ version: softwareVersion }),
  }
}

function viewPhase({ images, ...phase }: Phase): PhaseView {
  return { ...phase, ...present({ images: images && images.map((one) => ({ ...one })) }) }
}
