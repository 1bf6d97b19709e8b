import type { Engine } from './placement.ts'

/**
 * The executors that may be configured for strangers' jobs: those that run images, never ones over the
 * machine's own root file system or without isolation.
 */
export const STRANGER_EXECUTORS = ['oci', 'docker'] as const
export type StrangerExecutor = (typeof STRANGER_EXECUTORS)[number]

/** Which of a runner's engines may run strangers' jobs, by its operator's setting. */
export function strangerEngines(
  engines: readonly Engine[],
  named: readonly StrangerExecutor[],
): Engine[] {
  return engines.filter((engine) => {
    // Stands for any engine in tests.
    if (engine === 'fake') return named.length > 0
    return named.some((one) => one === engine)
  })
}
