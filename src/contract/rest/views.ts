import { z } from 'zod'
import { ATTEMPT_STATUSES, STEP_STATUSES } from '../../core/attempt/attempt.ts'
import { EVENT_KINDS, EVENT_SOURCES } from '../../core/commit-event.ts'
import { ALL_ACTIONS } from '../../core/event-actions.ts'
import type { EventId, JobId, PipelineId, RepositoryId, RunnerId } from '../../core/ids.ts'
import { JOB_STATUSES } from '../../core/job/job-state.ts'
import { JOB_NETWORK_KINDS } from '../../core/job-network.ts'
import { OUTCOMES } from '../../core/outcome.ts'
import { PIPELINE_STATUSES } from '../../core/pipeline/pipeline.ts'
import { ENGINES, HEURISTICS, RUNNER_STATES } from '../../core/placement/placement.ts'
import { LINK_KINDS } from '../../core/runner/runner.ts'
import { APPROVAL_REASONS } from '../../core/stranger/approval.ts'
import { STRANGER_REASONS } from '../../core/stranger/stranger-reason.ts'

/** Shared by REST responses and live events. Times are epoch milliseconds. */

export function idSchema<Id extends string>(prefix: string): z.ZodType<Id, Id> {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-z]{1,64}$`), `must be an id like ${prefix}_01jd3v6w5k8m`)
    .meta({ description: `An id: ${prefix}_…` }) as unknown as z.ZodType<Id, Id>
}

export const repositoryId = idSchema<RepositoryId>('repo')
export const eventId = idSchema<EventId>('event')
export const pipelineId = idSchema<PipelineId>('pipeline')
export const jobId = idSchema<JobId>('job')
export const runnerId = idSchema<RunnerId>('runner')

/** Epoch milliseconds. */
export const at = z.number().int().nonnegative()
export const outcomeSchema = z.enum(OUTCOMES)

export const problemView = z
  .object({
    message: z.string(),
    /** The included file; absent: `narwhal.yml` itself. */
    file: z.string().optional(),
    line: z.number().int(),
    column: z.number().int(),
    excerpt: z.string(),
  })
  .meta({ id: 'Problem' })

/** A phase for the waterfall: accept, queue, plan, place, fetch, … */
export const phaseView = z
  .object({
    name: z.string(),
    startedAt: at,
    durationMs: z.number().nonnegative(),
    /** For a sandbox: the images of its containers, with the digests that their names resolved to. */
    images: z.array(z.object({ image: z.string(), digest: z.string() })).optional(),
    /** For planning: what people should know about the plan. */
    note: z.string().optional(),
  })
  .meta({ id: 'Phase' })
export type PhaseView = z.infer<typeof phaseView>

export const stepView = z
  .object({
    index: z.number().int().nonnegative(),
    name: z.string(),
    /** It runs concurrently with the steps after it: a service, or a background step. */
    beside: z.literal(true).optional(),
    status: z.enum(STEP_STATUSES),
    outcome: outcomeSchema.optional(),
    reason: z.string().optional(),
    exitCode: z.number().int().optional(),
    startedAt: at.optional(),
    finishedAt: at.optional(),
  })
  .meta({ id: 'Step' })
export type StepView = z.infer<typeof stepView>

export const decisionView = z
  .object({
    runnerId,
    runnerName: z.string(),
    heuristic: z.enum(HEURISTICS),
    reason: z.string(),
    considered: z.array(
      z.object({
        runnerId,
        name: z.string(),
        busy: z.number().int(),
        slots: z.number().int(),
        refusedBecause: z.string().optional(),
      }),
    ),
    /** How many more runners were considered. */
    leftOut: z.number().int().optional(),
  })
  .meta({ id: 'Decision' })

export const attemptView = z
  .object({
    number: z.number().int().positive(),
    /** The user whose rerun this attempt is, if any. */
    askedBy: z.string().optional(),
    status: z.enum(ATTEMPT_STATUSES),
    outcome: outcomeSchema.optional(),
    reason: z.string().optional(),
    runnerId,
    assignedAt: at,
    startedAt: at.optional(),
    finishedAt: at.optional(),
    decision: decisionView,
    phases: z.array(phaseView),
    steps: z.array(stepView),
    outputs: z.record(z.string(), z.string()).optional(),
    lines: z.number().int().nonnegative(),
    /** When its log was last redacted: a copy read earlier is stale. */
    redactedAt: at.optional(),
  })
  .meta({ id: 'Attempt' })
export type AttemptView = z.infer<typeof attemptView>

export const jobView = z
  .object({
    id: jobId,
    pipelineId,
    name: z.string(),
    image: z.string().optional(),
    needs: z.array(z.string()),
    labels: z.array(z.string()),
    stepNames: z.array(z.string()),
    concurrencyGroup: z.string().optional(),
    status: z.enum(JOB_STATUSES),
    outcome: outcomeSchema.optional(),
    reason: z.string().optional(),
    /** The number of the current attempt; it is not in `attempts` before a runner is chosen. */
    attempt: z.number().int().positive(),
    attempts: z.array(attemptView),
    queuedAt: at.optional(),
    startedAt: at.optional(),
    finishedAt: at.optional(),
  })
  .meta({ id: 'Job' })
export type JobView = z.infer<typeof jobView>

export const pipelineView = z
  .object({
    id: pipelineId,
    /** From 1 in each repository. */
    number: z.number().int().positive(),
    repositoryId,
    repositoryName: z.string(),
    /** The `name` of narwhal.yml; empty until it is planned. */
    name: z.string(),
    status: z.enum(PIPELINE_STATUSES),
    outcome: outcomeSchema.optional(),
    reason: z.string().optional(),
    problems: z.array(problemView),
    rerunOf: pipelineId.optional(),
    /** The user who started it, if any. */
    startedBy: z.string().optional(),
    concurrencyGroup: z.string().optional(),
    /**
     * Whether a stranger's pipeline may run, or its jobs may have their secrets; absent: no approval needed.
     */
    approval: z
      .discriminatedUnion('status', [
        z.object({
          status: z.literal('needed'),
          /** `run`: nothing runs before; absent: jobs ended for lack of their secrets. */
          for: z.literal('run').optional(),
          /** Why it waits, with details. */
          because: z.enum(APPROVAL_REASONS).optional(),
          words: z.string().optional(),
          /** When it began to wait; absent: it no longer waits. */
          since: at.optional(),
          /** The digest of its plan, which is approved together with the commit. */
          plan: z.string().optional(),
        }),
        z.object({
          status: z.literal('given'),
          at,
          by: z.string().optional(),
          plan: z.string().optional(),
        }),
      ])
      .optional(),
    /** Exempt from retention until then; no effect once that has passed. */
    hold: z.object({ until: at, because: z.string(), at, by: z.string().optional() }).optional(),
    /** For a stranger's pull request: what it lacks compared to the target branch's file. */
    target: z
      .object({
        isShort: z.boolean(),
        /** Jobs that the target's file runs and its own doesn't. */
        missing: z.array(z.string()),
        /** Jobs that failed and may do so by its own file only. */
        failed: z.array(z.string()),
      })
      .optional(),
    /** For a stranger's commit: the files it changes, pipeline files first; absent: unknown. */
    changed: z
      .object({
        pipeline: z.array(z.string()),
        others: z.array(z.string()),
        /** The total number of both; some may be omitted. */
        total: z.number().int().nonnegative(),
      })
      .optional(),
    event: z.object({
      id: eventId,
      kind: z.enum(EVENT_KINDS),
      ref: z.string(),
      sha: z.string(),
      title: z.string(),
      author: z.string(),
      source: z.enum(EVENT_SOURCES),
      receivedAt: at,
      /** Why it counts as a stranger's; absent: it is by the repository's own people. */
      stranger: z.enum(STRANGER_REASONS).optional(),
      /** What happened to a pull request, a merge group or a release; absent: not known. */
      actions: z.array(z.enum(ALL_ACTIONS)).optional(),
      /** Only the jobs that name this action were to run. */
      part: z.enum(ALL_ACTIONS).optional(),
      /** Of a pull request or a merge group, as far as the forge has reported it. */
      targetBranch: z.string().optional(),
      labels: z.array(z.string()).optional(),
      draft: z.boolean().optional(),
      /** Empty: it has none. */
      milestone: z.string().optional(),
    }),
    phases: z.array(phaseView),
    createdAt: at,
    startedAt: at.optional(),
    finishedAt: at.optional(),
  })
  .meta({ id: 'Pipeline' })
export type PipelineView = z.infer<typeof pipelineView>

const engine = z.enum(ENGINES)

export const runnerView = z
  .object({
    id: runnerId,
    name: z.string(),
    link: z.enum(LINK_KINDS),
    /** Absent for a runner in the dispatcher's own process. */
    url: z.string().optional(),
    /** Whether the URL is that of a load balancer with several runners. */
    balanced: z.boolean(),
    /** How many runners have responded behind the URL; 1 unless balanced. */
    members: z.number().int().nonnegative(),
    state: z.enum(RUNNER_STATES),
    /** Why it is not online. */
    reason: z.string().optional(),
    labels: z.array(z.string()),
    engines: z.array(engine),
    /** Those that may run strangers' jobs. */
    strangerEngines: z.array(engine).optional(),
    /**
     * Programs on its machine whose versions have known vulnerabilities; a distribution may have patched
     * them.
     */
    flawedTools: z
      .array(z.object({ name: z.string(), version: z.string(), holes: z.array(z.string()) }))
      .optional(),
    /** Network access of its jobs; absent: not reported. */
    jobNetwork: z
      .object({
        kind: z.enum(JOB_NETWORK_KINDS),
        deniesPrivate: z.boolean(),
        holes: z.array(z.string()),
        alsoPrivate: z.array(z.string()),
      })
      .optional(),
    /** How it starts containers without an engine, and what would be better; absent: not reported. */
    containers: z.object({ how: z.string(), better: z.array(z.string()) }).optional(),
    slots: z.number().int().nonnegative(),
    busy: z.number().int().nonnegative(),
    hardware: z
      .object({
        cpus: z.number().int(),
        memoryBytes: z.number(),
        architecture: z.string(),
        operatingSystem: z.string(),
      })
      .optional(),
    version: z.string().optional(),
    registeredAt: at,
    lastSeenAt: at.optional(),
    /** It is removed when it leaves. */
    ephemeral: z.literal(true).optional(),
  })
  .meta({ id: 'Runner' })
export type RunnerView = z.infer<typeof runnerView>

export const runnerSample = z
  .object({
    runnerId,
    at,
    slots: z.number().int().nonnegative(),
    busy: z.number().int().nonnegative(),
    load: z.number().nonnegative(),
    /** Processor utilization, 0 to 1. */
    cpu: z.number().nonnegative(),
    memoryUsedBytes: z.number().nonnegative(),
    memoryTotalBytes: z.number().nonnegative(),
    diskFreeBytes: z.number().nonnegative(),
  })
  .meta({ id: 'RunnerSample' })
export type RunnerSample = z.infer<typeof runnerSample>

/** Lines are numbered from 0 in their attempt, and never renumbered. */
export const logLine = z
  .object({
    number: z.number().int().nonnegative(),
    step: z.number().int().nonnegative(),
    at,
    stream: z.enum(['stdout', 'stderr', 'narwhal']),
    text: z.string(),
  })
  .meta({ id: 'LogLine' })
export type LogLine = z.infer<typeof logLine>

/** A job that waits for a runner, with the reason. */
export const queuedJobView = z
  .object({
    jobId,
    pipelineId,
    repositoryName: z.string(),
    name: z.string(),
    labels: z.array(z.string()),
    position: z.number().int().positive(),
    queuedAt: at,
    reason: z.string(),
    /** The estimated start, if it waits for a slot and similar jobs have run before. */
    expectedStartAt: at.optional(),
  })
  .meta({ id: 'QueuedJob' })
export type QueuedJobView = z.infer<typeof queuedJobView>
