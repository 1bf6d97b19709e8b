import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { versionIn } from '../../../tools/find-tools.ts'

const run = promisify(execFile)

const VERSION_MS = 5_000

/** The version that a program prints; undefined if it prints none. */
export async function findVersion(path: string): Promise<string | undefined> {
  const options = { env: PROGRAM_ENV, timeout: VERSION_MS }
  const answer = await run(path, ['--version'], options).catch(() => ({ stdout: '' }))
  return versionIn(answer.stdout)
}
