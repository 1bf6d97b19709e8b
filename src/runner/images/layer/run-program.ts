import { childError } from '../../../lib/child-error.ts'
import { PROGRAM_ENV } from '../../../lib/programs/machine-programs.ts'
import { runToEnd } from '../../../lib/programs/run-program.ts'

export interface ProgramOptions {
  readonly signal: AbortSignal
  readonly input?: Buffer
  readonly env?: Readonly<Record<string, string>>
  /** Makes the error of its last words; that of `childError` by default. */
  readonly errorOf?: (stderr: string) => Error | undefined
}

const MAX_BYTES = 256 * 1024 * 1024

/** Runs a program of this machine to its end; resolves to its output, rejects with its last words. */
export async function runProgram(
  [program = '', ...args]: readonly string[],
  { signal, input, env, errorOf }: ProgramOptions,
): Promise<string> {
  const result = await runToEnd([program, ...args], {
    env: { ...PROGRAM_ENV, ...env },
    signal,
    killSignal: 'SIGKILL',
    maxBytes: MAX_BYTES,
    ...(input ? { input } : {}),
  })
  const { code, stdout, stderr } = result
  if (code === 0 && !result.trouble) return stdout
  throw errorOf?.(stderr) ?? childError(program, result, stderr)
}
