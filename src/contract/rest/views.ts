import { z } from 'zod'
import { ATTEMPT_STATUSES, STEP_STATUSES } from '../../core/attempt/attempt.ts'
import { EVENT_KINDS, EVENT_SOURCES } from '../../core/commit-event.ts'
import { FORGES } from '../../core/forges.ts'
import type { EventId, JobId, PipelineId, RepositoryId, RunnerId } from '../../core/ids.ts'
import { JOB_STATUSES } from '../../core/job/job-state.ts'
import { JOB_NETWORK_KINDS } from '../../core/job-network.ts'
import { OUTCOMES } from '../../core/outcome.ts'
import { PIPELINE_STATUSES } from '../../core/pipeline/pipeline.ts'
import { ENGINES, HEURISTICS, RUNNER_STATES } from '../../core/placement/placement.ts'
import { LINK_KINDS } from '../../core/runner/runner.ts'
import {
  APPROVAL_REASONS,
  APPROVAL_RULES,
  PIPELINE_FILES_RULES,
} from '../../core/stranger/approval.ts'
import { STRANGER_REASONS } from '../../core/stranger/stranger-reason.ts'

/** The shapes that REST answers and live events have in common. Times are epoch milliseconds. */

/** The schema of an id with this prefix. */
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

/** Since when a forge does not take a repository's token, and in which words. */
export const forgeRefusalView = z
  .object({ since: at, words: z.string() })
  .meta({ id: 'ForgeRefusal' })

export const repositoryView = z
  .object({
    id: repositoryId,
    /** `owner/name`, unique among the repositories. */
    name: z.string(),
    forge: z.enum(FORGES),
    cloneUrl: z.string(),
    /** Milliseconds between two looks for new commits; 0: webhooks only. */
    pollIntervalMs: z.number().int().nonnegative(),
    /** Whose commits are run only once somebody has approved that. */
    approval: z.enum(APPROVAL_RULES).optional(),
    /** Whether strangers of whom something was merged wait with a change of the pipeline's files. */
    pipelineFiles: z.enum(PIPELINE_FILES_RULES).optional(),
    /** A commit for which nothing is run is no success at the forge, also one of its own people's. */
    skippedIsOpen: z.boolean().optional(),
    /** It was registered before there was a choice, and nobody has chosen since. */
    isApprovalUnchosen: z.literal(true).optional(),
    /** Accounts, by the forge's numbers, that are strangers also on branches of its own. */
    strangerAccounts: z.array(z.number().int()).optional(),
    /** The names of those, for show; absent where many repositories are told of. */
    strangers: z
      .array(
        z.object({
          id: z.number().int(),
          /** Absent: it was not seen yet. */
          name: z.string().optional(),
          /** The name that it was listed under, where it has another one now. */
          formerName: z.string().optional(),
        }),
      )
      .optional(),
    /** Programs that push to branches of its own and are not listed, those seen last first. */
    seenBots: z.array(z.object({ id: z.number().int(), name: z.string(), seenAt: at })).optional(),
    /** Its forge does not take the token by which statuses are told; absent where many are told of. */
    forgeRefusal: forgeRefusalView.optional(),
    createdAt: at,
  })
  .meta({ id: 'Repository' })
export type RepositoryView = z.infer<typeof repositoryView>

export const problemView = z
  .object({
    message: z.string(),
    /** The included file that it is in; absent: `narwhal.yml` itself. */
    file: z.string().optional(),
    line: z.number().int(),
    column: z.number().int(),
    excerpt: z.string(),
  })
  .meta({ id: 'Problem' })

/** A stretch of time for the waterfall: accepted, queued, planned, placed, fetched, … */
export const phaseView = z
  .object({
    name: z.string(),
    startedAt: at,
    durationMs: z.number().nonnegative(),
    /** Of a sandbox: the images of its containers, with the digests that their names stood for. */
    images: z.array(z.object({ image: z.string(), digest: z.string() })).optional(),
  })
  .meta({ id: 'Phase' })
export type PhaseView = z.infer<typeof phaseView>

export const stepView = z
  .object({
    index: z.number().int().nonnegative(),
    name: z.string(),
    /** It runs beside the steps after it: a service, or a step in the background. */
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
    /** How many more runners were looked at than are told of. */
    leftOut: z.number().int().optional(),
  })
  .meta({ id: 'Decision' })

export const attemptView = z
  .object({
    number: z.number().int().positive(),
    /** The user who wanted the job run again, if one did by this attempt. */
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
    /** What the job tells the jobs that need it. */
    outputs: z.record(z.string(), z.string()).optional(),
    /** How many lines its log has. */
    lines: z.number().int().nonnegative(),
    /** When text was taken out of its log, the last time: who has read it before reads it again. */
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
    /** The group of jobs of which only so many run at once. */
    concurrencyGroup: z.string().optional(),
    status: z.enum(JOB_STATUSES),
    outcome: outcomeSchema.optional(),
    reason: z.string().optional(),
    /** The number of the current attempt; an attempt that nobody runs yet is not in `attempts`. */
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
    /** Counts from 1 in its repository. */
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
    /** The user who started it, where one did. */
    startedBy: z.string().optional(),
    /** The group of pipelines of which only so many go on at once. */
    concurrencyGroup: z.string().optional(),
    /** Whether a stranger's pipeline may be run, or its jobs have their secrets; absent: nobody has to say. */
    approval: z
      .discriminatedUnion('status', [
        z.object({
          status: z.literal('needed'),
          /** `run`: nothing of it is run before; absent: jobs were ended for want of their secrets. */
          for: z.literal('run').optional(),
          /** Why it waits, with what there is to say besides. */
          because: z.enum(APPROVAL_REASONS).optional(),
          words: z.string().optional(),
          /** Since when it waits; absent: it is not waited for any more. */
          since: at.optional(),
          /** The digest of its plan, which is approved with the commit. */
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
    /** It is kept until then, whatever the rules say; a moment that has passed holds nothing. */
    hold: z.object({ until: at, because: z.string(), at, by: z.string().optional() }).optional(),
    /** Of a stranger's pull request: what it has shown less than the target branch's file asks for. */
    target: z
      .object({
        isShort: z.boolean(),
        /** Jobs that the target's file has run and its own has not. */
        missing: z.array(z.string()),
        /** Jobs that have failed and may, by its own file alone. */
        failed: z.array(z.string()),
      })
      .optional(),
    /** Of a stranger's commit: which files it changes, those first that say what is run; absent: not known. */
    changed: z
      .object({
        pipeline: z.array(z.string()),
        others: z.array(z.string()),
        /** How many there are of both, where not all are told. */
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
      /** Why it counts as a stranger's; absent: it is the repository's own people's. */
      stranger: z.enum(STRANGER_REASONS).optional(),
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
    /** Whether the URL is a load balancer's with several runners behind it. */
    balanced: z.boolean(),
    /** How many runners have answered behind the URL; 1 unless balanced. */
    members: z.number().int().nonnegative(),
    state: z.enum(RUNNER_STATES),
    /** Why it is not online. */
    reason: z.string().optional(),
    labels: z.array(z.string()),
    engines: z.array(engine),
    /** Those of them that may run the jobs of strangers. */
    strangerEngines: z.array(engine).optional(),
    /** Programs of its machine whose versions have known holes; a distribution may have mended them. */
    flawedTools: z
      .array(z.object({ name: z.string(), version: z.string(), holes: z.array(z.string()) }))
      .optional(),
    /** What its jobs reach; absent: it has not told. */
    jobNetwork: z
      .object({
        kind: z.enum(JOB_NETWORK_KINDS),
        deniesPrivate: z.boolean(),
        holes: z.array(z.string()),
        alsoPrivate: z.array(z.string()),
      })
      .optional(),
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
    /** It leaves the list at its end. */
    ephemeral: z.literal(true).optional(),
  })
  .meta({ id: 'Runner' })
export type RunnerView = z.infer<typeof runnerView>

/** One sample of a runner's load. */
export const runnerSample = z
  .object({
    runnerId,
    at,
    slots: z.number().int().nonnegative(),
    busy: z.number().int().nonnegative(),
    /** Load average over one minute, divided by the number of processors. */
    load: z.number().nonnegative(),
    /** Share of the processors in use, 0 to 1. */
    cpu: z.number().nonnegative(),
    memoryUsedBytes: z.number().nonnegative(),
    memoryTotalBytes: z.number().nonnegative(),
    diskFreeBytes: z.number().nonnegative(),
  })
  .meta({ id: 'RunnerSample' })
export type RunnerSample = z.infer<typeof runnerSample>

/** A line of a log. Lines count from 0 in their attempt and are never renumbered. */
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

/** A job that waits for a runner, with the reason in words. */
export const queuedJobView = z
  .object({
    jobId,
    pipelineId,
    repositoryName: z.string(),
    name: z.string(),
    /** What its runner must have. */
    labels: z.array(z.string()),
    position: z.number().int().positive(),
    queuedAt: at,
    reason: z.string(),
    /** When it will probably start, where it waits for a slot and its like has run before. */
    expectedStartAt: at.optional(),
  })
  .meta({ id: 'QueuedJob' })
export type QueuedJobView = z.infer<typeof queuedJobView>
