import { accessSync, constants, globSync, lstatSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Debian's rabbitmq-server in /usr/sbin insists on the system's user, folders and cookie: this one doesn't.
 */
const FIRST = ['/usr/lib/rabbitmq/bin']

/** Folders of daemons, which a user's PATH lacks. */
const FOLDERS = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
]

/**
 * The absolute path of a program of this machine, or of the system in the folder `root`, as it is seen from
 * inside (see `commandIn`).
 */
export function findProgram(name: string, root = ''): string | undefined {
  const newestFirst = globSync(`${root}/usr/lib/postgresql/*/bin`).sort().reverse()
  return [...FIRST, ...newestFirst.map((folder) => folder.slice(root.length)), ...FOLDERS]
    .map((folder) => join(folder, name))
    .find((path) => isExecutable(`${root}${path}`, root !== ''))
}

/** A link in another system leads to where it would lead there, which can't be followed from here. */
function isExecutable(path: string, isElsewhere: boolean): boolean {
  try {
    if (!isElsewhere || !lstatSync(path).isSymbolicLink()) accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}
