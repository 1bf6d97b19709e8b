import { NarwhalError } from '../../lib/errors.ts'
import { findProgram, PROGRAM_ENV } from '../../lib/programs/machine-programs.ts'
import { type ProgramResult, runToEnd } from '../../lib/programs/run-program.ts'

const TIMEOUT_MS = 20_000
const MAX_BYTES = 64 * 1024 * 1024

/** Runs a program to its end with this input; rejects with `unavailable` and its error output. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const result = await runToEnd([program, ...args], {
    env: { ...PROGRAM_ENV, ...env },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    ...(input === undefined ? {} : { input }),
  })
  if (result.code === 0 && !result.trouble) return result.stdout
  const said = result.stderr.trim().split('\n').slice(0, 3).join('; ') || endOf(result)
  throw new NarwhalError('unavailable', `\`${program} ${args.join(' ')}\` failed: ${said}`)
}

function endOf({ code, trouble }: ProgramResult): string {
  if (trouble === 'missing') return 'there is no such program'
  if (trouble === 'late') return `it took longer than ${TIMEOUT_MS / 1000} s and was ended`
  return trouble === 'too_large' ? 'it wrote too much' : `it ended with ${code}`
}

/** Runs lines of ip(8) in one process. `force`: continues after lines that fail. */
export async function runIp(
  lines: readonly string[],
  { namespace, force = false }: { readonly namespace?: string; readonly force?: boolean } = {},
): Promise<void> {
  const where = namespace === undefined ? [] : ['-n', namespace]
  const args = [...where, ...(force ? ['-force'] : []), '-batch', '-']
  await runProgram('ip', args, `${lines.join('\n')}\n`)
}

/** Whether a program of this name exists; whether it works shows when it is used. */
export async function isProgram(name: string): Promise<boolean> {
  return (await findProgram(name)) !== undefined
}
