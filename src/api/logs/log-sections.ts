import type { LogSection } from '../../contract/rest/rest-logs.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { Reads } from '../../store/store.ts'

/**
 * The range of lines of each step. Steps follow one another in a log, so each boundary is found by
 * binary search: about twenty lines are read for a step with a million.
 */
export async function logSections(
  store: Reads<'logs'>,
  log: AttemptRef,
  total: number,
): Promise<LogSection[]> {
  const stepAt = async (number: number): Promise<number | undefined> => {
    const [line] = await store.logs.read(log, number, 1)
    return line?.step
  }
  const sections: LogSection[] = []
  for (let from = 0; from < total; ) {
    const step = await stepAt(from)
    if (step === undefined) break
    // Lines up to `inside` are of this step, those from `behind` on are not.
    let inside = from
    let behind = total
    while (behind - inside > 1) {
      const middle = (inside + behind) >> 1
      if ((await stepAt(middle)) === step) inside = middle
      else behind = middle
    }
    sections.push({ step, from, count: behind - from })
    from = behind
  }
  return sections
}
