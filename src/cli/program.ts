import { Command, CommanderError } from 'commander'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { cleanText } from './terminal/clean-text.ts'
import { type CliIo, coloursFor } from './terminal/cli-io.ts'
import { EXIT, EXIT_CODE_HELP, exitCodeOf } from './terminal/exit-code.ts'
import { READER_GONE } from './terminal/process-io.ts'

/**
 * The root of the command line, without commands: `main.ts` adds the services, `addClientCommands`
 * the rest. Commands added to it write through `io` and never end the process.
 */
export function createProgram(io: CliIo, version: string): Command {
  const program = new Command('narwhal')
  return (
    program
      .description('A self-hosted CI system: builds every commit of a team, on one machine or many')
      .version(version, '-V, --version', 'print the version')
      .helpOption('-h, --help', 'print help')
      .helpCommand('help [command]', 'print help for a command')
      .showHelpAfterError('(--help tells more)')
      // The runner service has a --token, and so has `runner list`: options belong to what they follow.
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

/** Runs the command that the arguments (without node and script) name; says what went wrong on standard error. */
export async function runProgram(
  program: Command,
  args: readonly string[],
  io: CliIo,
): Promise<void> {
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (reason) {
    // Commander has said it already. Help that was not asked for is a usage error, too.
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
