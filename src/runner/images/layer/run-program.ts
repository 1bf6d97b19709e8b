import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { childError } from '../../../lib/child-error.ts'
import { present } from '../../../lib/present.ts'
import { PROGRAM_ENV } from '../../tools/programs.ts'

export interface ProgramOptions {
  readonly signal: AbortSignal
  readonly input?: Buffer
  readonly env?: Readonly<Record<string, string>>
  /** Makes the error of its last words; that of `childError` by default. */
  readonly errorOf?: (stderr: string) => Error | undefined
}

/** Runs a program of this machine to its end; resolves to its output, rejects with its last words. */
export async function runProgram(
  [program = '', ...args]: readonly string[],
  { signal, input, env, errorOf }: ProgramOptions,
): Promise<string> {
  signal.throwIfAborted()
  const child = spawn(program, args, {
    env: { ...PROGRAM_ENV, ...present({ ...env }) },
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const words = Promise.all([text(child.stdout), text(child.stderr)])
  words.catch(() => {})
  let code: number | string | null
  try {
    ;[code] = (await once(child, 'exit')) as [number | null]
  } catch (cause) {
    signal.throwIfAborted()
    code = cause instanceof Error && 'code' in cause ? String(cause.code) : null
  }
  signal.throwIfAborted()
  const [stdout, stderr] = code === 'ENOENT' ? ['', ''] : await words
  if (code !== 0) throw errorOf?.(stderr) ?? childError(program, { code }, stderr)
  return stdout
}
