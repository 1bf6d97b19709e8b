import { constants } from 'node:os'

/** How a child has ended, as a shell has it: 128 + n after signal n. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}
