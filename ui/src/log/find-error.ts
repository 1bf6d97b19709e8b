import type { LogSection } from '../../../src/contract/rest/rest-logs.ts'
import type { StepView } from '../../../src/contract/rest/views.ts'
import { call } from '../api.ts'
import type { LogParams } from './log-params.ts'

const WORDS = ['error', 'fail']

/** The first failed step, if any. */
export function failedStep(steps: readonly StepView[]): StepView | undefined {
  return steps.find(({ outcome }) => outcome && !['success', 'skipped'].includes(outcome))
}

/**
 * The first line of the failed step that mentions an error or a failure, otherwise its last one.
 * Undefined if it has printed nothing.
 */
export async function findError(
  params: LogParams,
  step: StepView,
  sections: readonly LogSection[],
): Promise<number | undefined> {
  const section = sections.find((one) => one.step === step.index)
  if (!section) return undefined
  const end = section.from + section.count
  for (const text of WORDS) {
    const query = { text, from: section.from, limit: 1 }
    const { matches } = await call('searchLog', { params, query })
    const [first] = matches
    if (first && first.number < end) return first.number
  }
  return end - 1
}
