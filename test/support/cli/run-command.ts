import { addClientCommands } from '#root/src/cli/commands.ts'
import { createProgram, runProgram } from '#root/src/cli/program.ts'
import { type RecordedIo, type RecordedIoOptions, recordedIo } from './recorded-io.ts'
import { NOON } from './views.ts'

/** Starts one command, given as a list or with blanks between its arguments, against a server. */
export function startCommand(
  server: string,
  line: string | string[],
  options: RecordedIoOptions = {},
): { io: RecordedIo; done: Promise<void> } {
  const env = { NARWHAL_SERVER: server, ...options.env }
  const io = recordedIo({ now: () => NOON + 60_000, ...options, env })
  const program = createProgram(io, '0.1.0')
  addClientCommands(program, io)
  const words = typeof line === 'string' ? line.split(' ') : line
  return { io, done: runProgram(program, words, io) }
}

/** Runs one command to its end; `code` is the process's exit code. */
export async function runCommand(
  server: string,
  line: string | string[],
  options?: RecordedIoOptions,
): Promise<{ out: string; err: string; code: number }> {
  const { io, done } = startCommand(server, line, options)
  await done
  return { out: io.stdout.text, err: io.stderr.text, code: io.exitCode ?? 0 }
}
