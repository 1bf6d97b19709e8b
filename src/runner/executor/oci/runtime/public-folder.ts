import { statSync } from 'node:fs'

/** Of every distribution, and of the kernel where even those are missing. */
const CANDIDATES = ['/mnt', '/media', '/srv', '/opt', '/sys/kernel/debug', '/sys/fs/cgroup']
const SEARCHABLE_BY_ALL = 0o001

/**
 * A folder that everybody may enter, on which a container's folder is mounted in the mount namespace of its
 * launcher: the runner's own folders are closed to others, and the root of a user namespace is another user,
 * who has to find the container's root and what is mounted into it by their paths.
 */
export function publicFolder(): string {
  return CANDIDATES.find(isOpen) ?? '/mnt'
}

function isOpen(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isDirectory() === true && (found.mode & SEARCHABLE_BY_ALL) !== 0
}
