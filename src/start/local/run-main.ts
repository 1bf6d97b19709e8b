import { createProgram, runProgram } from '../../cli/program.ts'
import { endAnyway, openProcess, RUN_SIGNALS } from '../own-process.ts'
import { addLocalCommand } from './local-command.ts'

/** `narwhal run` as a process of its own, which loads no other command. */
export async function runMain(root: string): Promise<void> {
  const own = openProcess(root, RUN_SIGNALS)
  const program = createProgram(own.io, own.version)
  addLocalCommand(program, (flags) => ({ ...own, flags }))
  await runProgram(program, process.argv.slice(2), own.io)
  endAnyway(own)
}
