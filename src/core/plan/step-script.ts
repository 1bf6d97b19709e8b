import { shellQuote } from '../../lib/shell-quote.ts'
import type { StepSpec } from './plan.ts'
import { SHELLS } from './shell.ts'

/** Linux limits one argument to 128 KiB. */
export const LONGEST_FOR_SHELL = 100_000

/**
 * The POSIX script that runs a step's command with its shell in its working directory. Line numbers are
 * preserved, so a shell's "line 3" is the command's third line.
 */
export function stepScript({
  command,
  shell = 'sh',
  workingDirectory,
}: Pick<StepSpec, 'command' | 'shell' | 'workingDirectory'>): string {
  const cd = workingDirectory === undefined ? '' : `cd -- ${shellQuote(workingDirectory)}; `
  return shell === 'sh' ? `${cd}${command}` : `${cd}exec ${SHELLS[shell]} ${shellQuote(command)}`
}
