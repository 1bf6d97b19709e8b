import { createProgram, runProgram } from '../../cli/program.ts'
import { EXIT } from '../../cli/terminal/exit-code.ts'
import { endAnyway, openProcess, RUN_SIGNALS } from '../own-process.ts'
import { addLocalCommand } from './local-command.ts'

/**
 * `narwhal run` as a process of its own, which loads no other command. Resolves to whether a pipeline has run, and
 * so most of the code.
 */
export async function runMain(root: string): Promise<boolean> {
  const own = openProcess(root, RUN_SIGNALS)
  const program = createProgram(own.io, own.version)
  addLocalCommand(program, (flags) => ({ ...own, flags }))
  await runProgram(program, process.argv.slice(2), own.io)
  endAnyway(own)
  const isOther = process.argv.some((arg) => ['--dry-run', '--help', '-h'].includes(arg))
  return !isOther && (process.exitCode === EXIT.done || process.exitCode === EXIT.notSuccess)
}
