import type { PlanCommitResponse } from '../contract/gen/narwhal/v1/runner_pb.js'
import { planFromProto } from '../contract/plan-messages.ts'
import { boundedFiles } from '../core/changed-files.ts'
import { findCycle } from '../core/graph.ts'
import type { PipelinePlan } from '../core/plan.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { PlannedCommit } from './runner-client.ts'

/** A runner's answer to "plan this commit" in the domain's words. */
export function planResult(response: PlanCommitResponse): PlannedCommit {
  const { title, author, fetchMs, parseMs, target, changed } = response
  const told = target && {
    target: {
      missing: target.missing,
      mayFail: target.mayFail,
      runsNothing: target.runsNothing,
    },
  }
  const files = changed && { changed: boundedFiles(changed) }
  return { result: resultOf(response), title, author, fetchMs, parseMs, ...told, ...files }
}

function resultOf({ result }: PlanCommitResponse): PlannedCommit['result'] {
  switch (result.case) {
    case 'plan':
      return { ok: true, plan: checked(planFromProto(result.value)) }
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
