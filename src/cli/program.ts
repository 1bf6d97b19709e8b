import { Command, CommanderError } from 'commander'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { cleanText } from './terminal/clean-text.ts'
import { type CliIo, coloursFor } from './terminal/cli-io.ts'
import { EXIT, EXIT_CODE_HELP, exitCodeOf } from './terminal/exit-code.ts'
import { READER_GONE } from './terminal/process-io.ts'

/**
 * The root command without subcommands: `main.ts` adds the services, `addClientCommands` the rest.
 * Commands added to it write through `io` and never exit the process.
 */
export function createProgram(io: CliIo, version: string): Command {
  const program = new Command('narwhal')
  return (
    program
      .description('Self-hosted CI, on one machine or many')
      .version(version, '-V, --version', 'print the version')
      .helpOption('-h, --help', 'print help')
      .helpCommand('help [command]', 'print help for a command')
      // `runner` and `runner list` both have a --token: options apply to the command they follow.
      .enablePositionalOptions()
      .exitOverride()
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: (text) => io.stderr.write(text),
        getOutHelpWidth: () => (io.stdout.isTTY ? io.stdout.columns : 100),
        getErrHelpWidth: () => (io.stderr.isTTY ? io.stderr.columns : 100),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
        outputError: (text, write) => write(text.replace(/^error: /, 'narwhal: ')),
      })
      .addHelpText('after', `\n${EXIT_CODE_HELP}`)
  )
}

/** Runs the command in `args` (without node and script); prints errors to standard error. */
export async function runProgram(
  program: Command,
  args: readonly string[],
  io: CliIo,
): Promise<void> {
  pointToHelp(program, 'narwhal')
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (reason) {
    // Commander has printed it already. Unrequested help is a usage error as well.
    if (reason instanceof CommanderError)
      return io.exit(reason.exitCode === 0 ? EXIT.done : EXIT.usage)
    const error = NarwhalError.from(reason)
    if (error.message === READER_GONE) return io.exit(EXIT.done)
    if (!(error.code === 'cancelled' && io.signal.aborted)) {
      const colours = coloursFor(io, io.stderr)
      const words = error.message.split('\n').map(cleanText).join('\n')
      io.stderr.write(`${colours.red('narwhal:')} ${words || describeError(reason)}\n`)
    }
    io.exit(exitCodeOf(error))
  }
}

/** After a usage error, the help of the command that was given is named. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`See \`${path} --help\`.`)
  for (const one of command.commands) pointToHelp(one, `${path} ${one.name()}`)
}
