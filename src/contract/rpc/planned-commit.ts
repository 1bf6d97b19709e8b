import type { MessageInitShape } from '@bufbuild/protobuf'
import { findCycle } from '../../core/plan/graph.ts'
import type { PipelinePlan, Problem } from '../../core/plan/plan.ts'
import type { TargetJobs } from '../../core/plan/target-jobs.ts'
import { boundedFiles, type ChangedFiles } from '../../core/stranger/changed-files.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
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

/** The request to plan a commit, and the response. */

export interface PlanOrder {
  readonly commit: CommitSource
  readonly facts: EventFacts
  readonly sources: readonly IncludeSource[]
}

/** The plan of a commit's file, or its problems. */
export type PlannedFile =
  | { readonly ok: true; readonly plan: PipelinePlan }
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      /** The commit has no such file, which `problems` says as well. */
      readonly isMissing?: true
    }

export interface PlannedCommit {
  readonly file: PlannedFile
  /** What the target branch's file asks for; absent: unknown or irrelevant. */
  readonly target?: Pick<TargetJobs, 'missing' | 'mayFail' | 'runsNothing'>
  /** What a stranger's commit changes; absent: unknown or irrelevant. */
  readonly changed?: ChangedFiles
  /** What people should know about the plan, on one line; may have text of git and its server. */
  readonly note?: string
  /** The first line of the commit's message, truncated; hostile text. */
  readonly title: string
  /** The author's name; hostile text. */
  readonly author: string
  /** Milliseconds. */
  readonly fetchMs: number
  /** Milliseconds to read the file from git and parse it. */
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

/** Throws `invalid` if a part is malformed. */
export function planOrderFromProto(request: PlanCommitRequest): PlanOrder {
  return {
    commit: commitFromProto(request.commit),
    facts: factsFromProto(request.facts),
    sources: request.includeSources.map(includeSourceFromProto),
  }
}

export function plannedToProto(
  { file, target, changed, note = '', title, author, fetchMs, parseMs }: PlannedCommit,
  instanceId: string,
): MessageInitShape<typeof PlanCommitResponseSchema> {
  return {
    title,
    author,
    note,
    fetchMs: Math.round(fetchMs),
    parseMs: Math.round(parseMs),
    instanceId,
    fileMissing: !file.ok && file.isMissing === true,
    ...(target && { target: targetOf(target) }),
    ...(changed && {
      changed: { ...changed, pipeline: [...changed.pipeline], others: [...changed.others] },
    }),
    result: file.ok
      ? { case: 'plan', value: planToJson(file.plan) }
      : { case: 'problems', value: { problems: file.problems.map((one) => ({ ...one })) } },
  }
}

const LONGEST_NOTE = 500

/** Throws `invalid` for a plan that can't run, and `internal` if there is no result. */
export function plannedFromProto(response: PlanCommitResponse): PlannedCommit {
  const { title, author, note, fetchMs, parseMs, target, changed } = response
  return {
    file: fileFromProto(response),
    ...(target && { target: targetOf(target) }),
    ...(changed && { changed: boundedFiles(changed) }),
    ...present({ note: firstLine(note, LONGEST_NOTE) || undefined }),
    title,
    author,
    fetchMs,
    parseMs,
  }
}

/** Copies the lists: a message's are mutable, ours aren't. */
function targetOf({ missing, mayFail, runsNothing }: NonNullable<PlannedCommit['target']>) {
  return { missing: [...missing], mayFail: [...mayFail], runsNothing }
}

function fileFromProto({ result, fileMissing }: PlanCommitResponse): PlannedFile {
  switch (result.case) {
    case 'plan':
      return { ok: true, plan: checked(planFromJson(result.value)) }
    case 'problems':
      return {
        ok: false,
        ...(fileMissing && { isMissing: true as const }),
        problems: result.value.problems.map(({ message, line, column, excerpt, file }) => ({
          message,
          ...present({ file: file || undefined }),
          line,
          column,
          excerpt,
        })),
      }
    case undefined:
      throw new NarwhalError('internal', 'the runner answered with neither a plan nor problems')
  }
}

/** Far more than a file may have, but a runner may send anything. */
const MOST_JOBS = 20_000
const MOST_STEPS = 200_000

/** A pipeline without jobs, or with needs that can't be met, would never end. */
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
  throw new NarwhalError('invalid', "the runner answered with a plan that can't run")
}
