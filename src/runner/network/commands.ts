import { execFile } from 'node:child_process'
import { NarwhalError } from '../../lib/errors.ts'
import { findProgram, PROGRAM_ENV } from '../tools/programs.ts'

const TIMEOUT_MS = 20_000

/** Runs a program to its end with this input; rejects with `unavailable` and its error output. */
export function runProgram(
  program: string,
  args: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const ended = Promise.withResolvers<string>()
  const options = {
    env: { ...PROGRAM_ENV, ...env },
    timeout: TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  }
  const child = execFile(program, args, options, (error, stdout, stderr) => {
    if (!error) return ended.resolve(stdout)
    const ending = error.signal ? `it was ended by ${error.signal}` : error.message
    const said = stderr.trim().split('\n').slice(0, 3).join('; ') || ending
    const words = `\`${program} ${args.join(' ')}\` failed: ${said}`
    ended.reject(new NarwhalError('unavailable', words, { cause: error }))
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return ended.promise
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
