import { NarwhalError } from '../errors.ts'
import { PROGRAM_ENV } from './machine-programs.ts'
import { runToEnd } from './run-program.ts'

/** Makes FIFOs that are open to every user. */
export async function makeFifos(paths: readonly string[]): Promise<void> {
  const command = ['mkfifo', '-m', '666', ...paths] as const
  const { code, stderr } = await runToEnd(command, { env: PROGRAM_ENV, maxBytes: 10_000 })
  if (code === 0) return
  throw new NarwhalError('unavailable', `FIFOs can't be made: ${stderr.trim() || code}`)
}
