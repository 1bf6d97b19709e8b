import { readFile, readlink } from 'node:fs/promises'

/** The variable by which the processes of a sandbox are found again, wherever they went. */
export const PROCESS_MARK = 'NARWHAL_SANDBOX'

/**
 * Says whether a process belongs to a sandbox, by its number as /proc has it: `unknown` while it is
 * just starting a program.
 */
export type ProcessSearch = (pid: string) => Promise<'ours' | 'unknown' | 'other'>

/** Processes with a mark of this kind in their environment; descendants may have lost it. */
export function withMark(isOurs: (mark: string) => boolean): ProcessSearch {
  const name = `${PROCESS_MARK}=`
  return async (pid) => {
    // Of another user's process nothing can be read; a zombie and a kernel thread have no program.
    try {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1')
      const mark = environment.split('\0').find((text) => text.startsWith(name))
      if (mark !== undefined) return isOurs(mark.slice(name.length)) ? 'ours' : 'other'
      if (environment !== '') return 'other'
      await readlink(`/proc/${pid}/exe`)
      return 'unknown'
    } catch {
      return 'other'
    }
  }
}

/** Processes of a container on this machine: its control groups are named after it. */
export function inContainer(id: string): ProcessSearch {
  return async (pid) => {
    const groups = await readFile(`/proc/${pid}/cgroup`, 'latin1').catch(() => '')
    return groups.includes(id) ? 'ours' : 'other'
  }
}
