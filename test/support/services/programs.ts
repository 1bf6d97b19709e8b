import { accessSync, constants, globSync } from 'node:fs'
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

/** The absolute path of a program of this machine. */
export function findProgram(name: string): string | undefined {
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').sort().reverse()
  return [...FIRST, ...newestFirst, ...FOLDERS]
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}
