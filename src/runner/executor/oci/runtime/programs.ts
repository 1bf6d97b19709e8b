import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { versionIn } from '../../../tools/find-tools.ts'

const run = promisify(execFile)

/** Programs of root's are in folders that not every PATH has. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** The whole environment of the programs that are tried: nothing of the runner's. */
export const PROGRAM_ENV = { PATH: FOLDERS.join(':'), LC_ALL: 'C' }

/** The absolute path of a program; undefined if this machine has none of this name. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

const VERSION_MS = 5_000

/** The version that a program prints; undefined if it prints none. */
export async function findVersion(path: string): Promise<string | undefined> {
  const options = { env: PROGRAM_ENV, timeout: VERSION_MS }
  const answer = await run(path, ['--version'], options).catch(() => ({ stdout: '' }))
  return versionIn(answer.stdout)
}
