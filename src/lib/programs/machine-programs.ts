import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'

/** Programs of root's are in folders that not every PATH has. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export const PROGRAM_PATH = FOLDERS.join(':')
/** The whole environment of this machine's programs: nothing of the runner's. */
export const PROGRAM_ENV = { PATH: PROGRAM_PATH, LC_ALL: 'C' }

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
