import type { MessageInitShape } from '@bufbuild/protobuf'
import { findCycle } from '../../core/plan/graph.ts'
import type { PipelinePlan, Problem } from '../../core/plan/plan.ts'
import type { TargetJobs } from '../../core/plan/target-jobs.ts'
import { boundedFiles, type ChangedFiles } from '../../core/stranger/changed-files.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type {
  PlanCommitRequest,
  PlanCommitRequestSchema,
  PlanCommitResponse,
  PlanCommitResponseSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import { planFromJson, planToJson } from '../plan/plan-json.ts'
import { type CommitSource, commitFromProto, commitToProto } from './attempt.ts'
import { type EventFacts, factsFromProto, factsToProto } from './event-facts.ts'
import {
  type IncludeSource,
  includeSourceFromProto,
  includeSourceToProto,
} from './include-source.ts'

/** What a runner is asked that plans a commit, and its answer. */

export interface PlanOrder {
  readonly commit: CommitSource
  readonly facts: EventFacts
  /** The repositories that files may be included from. */
  readonly sources: readonly IncludeSource[]
}

/** What a commit's file says, or all that is wrong with it. */
export type PlannedFile =
  | { readonly ok: true; readonly plan: PipelinePlan }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface PlannedCommit {
  readonly file: PlannedFile
  /** What the target branch's file asks for besides; absent: it is not known, or does not matter. */
  readonly target?: Pick<TargetJobs, 'missing' | 'mayFail' | 'runsNothing'>
  /** What a stranger's commit changes; absent: it is not known, or does not matter. */
  readonly changed?: ChangedFiles
  /** The first line of the commit's message, cut when it is very long; hostile text. */
  readonly title: string
  /** The author's name; hostile text. */
  readonly author: string
  /** Milliseconds. */
  readonly fetchMs: number
  /** Milliseconds for reading the file out of git and understanding it. */
  readonly parseMs: number
}

export function planOrderToProto(
  order: PlanOrder,
): MessageInitShape<typeof PlanCommitRequestSchema> {
  return {
    commit: commitToProto(order.commit),
    facts: factsToProto(order.facts),
    includeSources: order.sources.map(includeSourceToProto),
  }
}

/** Throws `invalid` when a part can't be right. */
export function planOrderFromProto(request: PlanCommitRequest): PlanOrder {
  return {
    commit: commitFromProto(request.commit),
    facts: factsFromProto(request.facts),
    sources: request.includeSources.map(includeSourceFromProto),
  }
}

export function plannedToProto(
  { file, target, changed, title, author, fetchMs, parseMs }: PlannedCommit,
  instanceId: string,
): MessageInitShape<typeof PlanCommitResponseSchema> {
  return {
    title,
    author,
    fetchMs: Math.round(fetchMs),
    parseMs: Math.round(parseMs),
    instanceId,
    ...(target && { target: targetOf(target) }),
    ...(changed && {
      changed: { ...changed, pipeline: [...changed.pipeline], others: [...changed.others] },
    }),
    result: file.ok
      ? { case: 'plan', value: planToJson(file.plan) }
      : { case: 'problems', value: { problems: file.problems.map((one) => ({ ...one })) } },
  }
}

/** Throws `invalid` for a plan that can't be run, and `internal` where there is no answer. */
export function plannedFromProto(response: PlanCommitResponse): PlannedCommit {
  const { title, author, fetchMs, parseMs, target, changed } = response
  return {
    file: fileFromProto(response),
    ...(target && { target: targetOf(target) }),
    ...(changed && { changed: boundedFiles(changed) }),
    title,
    author,
    fetchMs,
    parseMs,
  }
}

/** Lists are copied: a message's may be changed, ours may not. */
function targetOf({ missing, mayFail, runsNothing }: NonNullable<PlannedCommit['target']>) {
  return { missing: [...missing], mayFail: [...mayFail], runsNothing }
}

function fileFromProto({ result }: PlanCommitResponse): PlannedFile {
  switch (result.case) {
    case 'plan':
      return { ok: true, plan: checked(planFromJson(result.value)) }
    case 'problems':
      return {
        ok: false,
        problems: result.value.problems.map(({ message, line, column, excerpt, file }) => ({
          message,
          ...(file === '' ? {} : { file }),
          line,
          column,
          excerpt,
        })),
      }
    case undefined:
      throw new NarwhalError('internal', 'the runner answered with neither a plan nor problems')
  }
}

/** Far more than a file may have; what a runner sends may not come from one. */
const MOST_JOBS = 20_000
const MOST_STEPS = 200_000

/** A pipeline without jobs, or of jobs that wait for what never comes, would never end. */
function checked(plan: PipelinePlan): PipelinePlan {
  const steps = plan.jobs.reduce((sum, job) => sum + job.steps.length, 0)
  if (plan.jobs.length > MOST_JOBS || steps > MOST_STEPS) {
    const words = `the runner answered with a plan of ${plan.jobs.length} jobs and ${steps} steps`
    throw new NarwhalError('invalid', `${words}, which no file can have`)
  }
  const names = new Set(plan.jobs.map(({ name }) => name))
  const isUsable =
    names.size > 0 &&
    names.size === plan.jobs.length &&
    plan.jobs.every(({ needs }) => needs.every((name) => names.has(name))) &&
    !findCycle(plan.jobs)
  if (isUsable) return plan
  throw new NarwhalError('invalid', 'the runner answered with a plan that can not be run')
}
