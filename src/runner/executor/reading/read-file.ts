import { NarwhalError } from '../../../lib/errors.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'
import type { Sandbox } from '../executor.ts'
import { checkPath, isAbsent } from './sandbox-path.ts'
import { outputOf, wholeOutput, wordsOf } from './script-output.ts'

/** A sandbox of which something is read, by scripts in it. */
export interface ReadingPlace {
  readonly run: Sandbox['run']
  /** The folder of the runner that is its workspace. */
  readonly folder: string
}

/** What `head` does not end with. */
const NO_FILE = 96
const NO_REGULAR_FILE = 97
/** What a program in the place of `head` may print too much before it is ended. */
const SLACK_BYTES = 64 * 1024
/** Only its end is told. */
const MOST_STDERR_BYTES = 16 * 1024

/** `Sandbox.read` by a script in the sandbox, so with no more rights than a step has. */
export async function readBySteps(
  { run, folder }: ReadingPlace,
  { path, maxBytes }: { readonly path: string; readonly maxBytes: number },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  checkPath(path)
  signal.throwIfAborted()
  if (await isAbsent(folder, path)) return undefined
  const tooLarge = () =>
    new NarwhalError('too_large', `${JSON.stringify(path)} has more than ${maxBytes} bytes`)
  const asked = { script: scriptOf(path, maxBytes), maxStderrBytes: MOST_STDERR_BYTES }
  const output = outputOf(run, asked, signal)
  const { exitCode, stdout, stderr } = await wholeOutput(output, maxBytes + SLACK_BYTES, tooLarge)
  if (exitCode === NO_FILE) return undefined
  if (exitCode === NO_REGULAR_FILE) {
    throw new NarwhalError('conflict', `${JSON.stringify(path)} is no regular file`)
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
