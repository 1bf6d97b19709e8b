import type { SandboxHandle } from '../executor/executor.ts'

/**
 * What a runner tells its watchdog, one JSON text per line. Both are of the same version and on the same
 * machine; moments are milliseconds of its monotonic clock (CLOCK_MONOTONIC, `process.hrtime`), so that
 * a line means the same however late it is read.
 */
export type WatchdogLine =
  | {
      readonly type: 'watch'
      /** Chosen by the runner, for the other lines. */
      readonly id: number
      /** For messages. */
      readonly name: string
      readonly handle: SandboxHandle
    }
  /** When to end it; null: only with the runner. */
  | { readonly type: 'until'; readonly id: number; readonly atMs: number | null }
  | { readonly type: 'release'; readonly id: number }

/** Now, by the clock that all processes of a machine share; milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
