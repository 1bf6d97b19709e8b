import { readFileSync, readlinkSync } from 'node:fs'

/** The variable by which the processes of a sandbox are found again, wherever they went. */
export const PROCESS_MARK = 'NARWHAL_SANDBOX'

/**
 * Says whether a process belongs to a sandbox, by its number as /proc has it: `unknown` while it is
 * just starting a program.
 */
export type ProcessSearch = (pid: string) => 'ours' | 'unknown' | 'other'

/** What /proc says of a process in this file; '' when it is gone or nobody's business. */
export function readProcessFile(pid: string, name: 'cgroup' | 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return ''
  }
}

/** The fields of `stat` from the third, the state, on: see proc(5). */
export function readStat(pid: string): readonly string[] {
  const text = readProcessFile(pid, 'stat')
  // The second field is a name in brackets that may hold anything, brackets too.
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Processes with a mark of this kind in their environment; descendants may have lost it. */
export function withMark(isOurs: (mark: string) => boolean): ProcessSearch {
  const name = `${PROCESS_MARK}=`
  return (pid) => {
    const environment = readProcessFile(pid, 'environ')
    if (environment === '') return isStarting(pid) ? 'unknown' : 'other'
    const mark = environment.split('\0').find((text) => text.startsWith(name))
    return mark !== undefined && isOurs(mark.slice(name.length)) ? 'ours' : 'other'
  }
}

/** Processes of a container on this machine: its control groups are named after it. */
export function inContainer(id: string): ProcessSearch {
  return (pid) => (readProcessFile(pid, 'cgroup').includes(id) ? 'ours' : 'other')
}

const ENVIRONMENT_END = 48

/**
 * Whether a process without an environment is about to have one: it has a program, unlike a zombie or a
 * thread of the kernel, may be looked at, and nobody knows yet where its environment ends.
 */
function isStarting(pid: string): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return false
  }
  return readStat(pid)[ENVIRONMENT_END] === '0'
}
