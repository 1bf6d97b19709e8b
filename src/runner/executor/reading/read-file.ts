import { NarwhalError } from '../../../lib/errors.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'
import type { Sandbox } from '../executor.ts'
import { checkPath, isAbsent } from './sandbox-path.ts'
import { outputOf, wholeOutput, wordsOf } from './script-output.ts'

export interface ReadingPlace {
  readonly run: Sandbox['run']
  /** The folder of the runner that is its workspace. */
  readonly folder: string
}

/** An exit code that `head` does not use. */
const NO_FILE = 96
const NO_REGULAR_FILE = 97
/** How much more a program in place of `head` may print before it is ended. */
const SLACK_BYTES = 64 * 1024
/** Only the end is reported. */
const MOST_STDERR_BYTES = 16 * 1024

/** `Sandbox.read` through a script in the sandbox, and so with a step's permissions. */
export async function readBySteps(
  { run, folder }: ReadingPlace,
  { path, maxBytes }: { readonly path: string; readonly maxBytes: number },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  checkPath(path)
  signal.throwIfAborted()
  if (await isAbsent(folder, path)) return undefined
  const tooLarge = () =>
    new NarwhalError('too_large', `${JSON.stringify(path)} is larger than ${maxBytes} bytes`)
  const asked = { script: scriptOf(path, maxBytes), maxStderrBytes: MOST_STDERR_BYTES }
  const output = outputOf(run, asked, signal)
  const { exitCode, stdout, stderr } = await wholeOutput(output, maxBytes + SLACK_BYTES, tooLarge)
  if (exitCode === NO_FILE) return undefined
  if (exitCode === NO_REGULAR_FILE) {
    throw new NarwhalError('conflict', `${JSON.stringify(path)} is not a regular file`)
  }
  if (exitCode !== 0) {
    const words = `the job's user can't read ${JSON.stringify(path)}: ${wordsOf(stderr)}`
    throw new NarwhalError('forbidden', words)
  }
  if (stdout.length > maxBytes) throw tooLarge()
  return stdout
}

/** A pipe or a device would never end. */
function scriptOf(path: string, maxBytes: number): string {
  return `
file=${shellQuote(path.startsWith('/') ? path : `./${path}`)}
if [ -f "$file" ]; then
  head -c ${maxBytes + 1} "$file"
elif [ -e "$file" ]; then
  exit ${NO_REGULAR_FILE}
else
  exit ${NO_FILE}
fi
`
}
