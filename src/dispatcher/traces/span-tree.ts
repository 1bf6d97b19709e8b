import type { JobView, PipelineView } from '../../contract/rest/views.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Span } from '../../core/waterfall/waterfall.ts'
import { waterfallOf } from '../../core/waterfall/waterfall-of.ts'
import { present } from '../../lib/present.ts'

/** A span of a trace; times are epoch milliseconds. */
export interface SpanNode {
  readonly name: string
  readonly startAt: number
  readonly endAt: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** Absent: it did not fail. */
  readonly failure?: string
  readonly children: readonly SpanNode[]
}

/**
 * A finished pipeline as a tree: its own spans and its jobs, and their spans. Consistent with the API's
 * waterfall. Attributes are named by OpenTelemetry's semantic conventions for CI where they exist.
 */
export function spanTree(pipeline: PipelineView, jobs: readonly JobView[]): SpanNode {
  const { spans, startAt, durationMs } = waterfallOf(pipeline, jobs, Date.now())
  const own = spans.filter((span) => span.job === undefined).map(leaf)
  const ofJobs = jobs.flatMap((job) => {
    const children = spans.filter((span) => span.job?.id === job.id)
    return children.length === 0 ? [] : [jobNode(job, children)]
  })
  return {
    name: `pipeline ${pipeline.name || pipeline.repositoryName}`,
    startAt,
    endAt: startAt + durationMs,
    attributes: {
      'cicd.pipeline.name': pipeline.name,
      'cicd.pipeline.run.id': pipeline.id,
      'cicd.pipeline.result': pipeline.outcome ?? '',
      'vcs.repository.name': pipeline.repositoryName,
      'vcs.ref.head.name': pipeline.event.ref,
      'vcs.ref.head.revision': pipeline.event.sha,
      'narwhal.pipeline.number': pipeline.number,
    },
    ...failureOf(pipeline.outcome, pipeline.reason),
    children: [...own, ...ofJobs],
  }
}

function jobNode(job: JobView, spans: readonly Span[]): SpanNode {
  return {
    name: `job ${job.name}`,
    startAt: Math.min(...spans.map((span) => span.startAt)),
    endAt: Math.max(...spans.map((span) => span.startAt + span.durationMs)),
    attributes: {
      'cicd.pipeline.task.name': job.name,
      'cicd.pipeline.task.run.id': job.id,
      'cicd.pipeline.task.run.result': job.outcome ?? '',
    },
    ...failureOf(job.outcome, job.reason),
    children: spans.map(leaf),
  }
}

function leaf({ name, step, attempt, startAt, durationMs, critical, outcome }: Span): SpanNode {
  return {
    name: step ? `step ${step.name}` : name,
    startAt,
    endAt: startAt + durationMs,
    attributes: {
      'narwhal.span': name,
      'narwhal.critical': critical,
      ...present({
        'narwhal.attempt': attempt,
        'narwhal.step': step?.index,
        'narwhal.outcome': outcome,
      }),
    },
    ...failureOf(outcome),
    children: [],
  }
}

function failureOf(outcome: Outcome | undefined, reason?: string): { failure?: string } {
  const isWell = outcome === undefined || outcome === 'success' || outcome === 'skipped'
  return isWell ? {} : { failure: reason ?? outcome }
}
