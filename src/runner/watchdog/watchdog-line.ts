import type { SandboxHandle } from '../executor/executor.ts'

/**
 * The protocol from a runner to its watchdog, one JSON text per line. Both have the same version and
 * run on the same machine; times are milliseconds of its monotonic clock (CLOCK_MONOTONIC,
 * `process.hrtime`), so that a line means the same however late it is read.
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
  /** When to end the sandbox; null: only when the runner ends. */
  | { readonly type: 'until'; readonly id: number; readonly atMs: number | null }
  | { readonly type: 'release'; readonly id: number }

/** The current time in milliseconds of the clock that all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
