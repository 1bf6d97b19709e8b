import type { Engine } from './placement.ts'

/**
 * What may be named for the jobs of strangers: what runs images. Never what runs them over the
 * machine's own root, or without any isolation.
 */
export const STRANGER_EXECUTORS = ['oci', 'docker'] as const
export type StrangerExecutor = (typeof STRANGER_EXECUTORS)[number]

/** Which of a runner's engines may run strangers' jobs, by what its operator has named. */
export function strangerEngines(
  engines: readonly Engine[],
  named: readonly StrangerExecutor[],
): Engine[] {
  return engines.filter((engine) => {
    // It runs nothing, and stands for any engine in tests.
    if (engine === 'fake') return named.length > 0
    return named.some((one) => one === engine)
  })
}
