import { shellQuote } from '../../lib/shell-quote.ts'
import type { StepSpec } from './plan.ts'
import { SHELLS } from './shell.ts'

/** Linux takes no longer argument than 128 KiB. */
export const LONGEST_FOR_SHELL = 100_000

/**
 * The POSIX script that runs a step's command in its folder by its shell. The command keeps its line
 * numbers, so that what a shell says of line 3 is the third one of `narwhal.yml`.
 */
export function stepScript({
  command,
  shell = 'sh',
  workingDirectory,
}: Pick<StepSpec, 'command' | 'shell' | 'workingDirectory'>): string {
  const cd = workingDirectory === undefined ? '' : `cd -- ${shellQuote(workingDirectory)}; `
  return shell === 'sh' ? `${cd}${command}` : `${cd}exec ${SHELLS[shell]} ${shellQuote(command)}`
}
