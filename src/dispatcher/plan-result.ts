import type { PlanCommitResponse } from '../contract/gen/narwhal/v1/runner_pb.js'
import { planFromProto } from '../contract/rpc.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { PlannedCommit } from './runner-link.ts'

/** A runner's answer to "plan this commit" in the domain's words. */
export function planResult(response: PlanCommitResponse): PlannedCommit {
  const { title, author, fetchMs, parseMs } = response
  return { result: resultOf(response), title, author, fetchMs, parseMs }
}

function resultOf({ result }: PlanCommitResponse): PlannedCommit['result'] {
  switch (result.case) {
    case 'plan':
      return { ok: true, plan: planFromProto(result.value) }
    case 'problems':
      return {
        ok: false,
        problems: result.value.problems.map(({ message, line, column, excerpt }) => ({
          message,
          line,
          column,
          excerpt,
        })),
      }
    case undefined:
      throw new NarwhalError('internal', 'the runner answered with neither a plan nor problems')
  }
}
