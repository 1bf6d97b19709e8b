import { readFileSync, readlinkSync } from 'node:fs'

/** The environment variable by which the processes of a sandbox are found, wherever they went. */
export const PROCESS_MARK = 'NARWHAL_SANDBOX'

/** Whether the process with this pid belongs to a sandbox: `unknown` while it executes a program. */
export type ProcessSearch = (pid: string) => 'ours' | 'unknown' | 'other'

/** Content of this file in /proc; '' when the process is gone or not accessible. */
export function readProcessFile(
  pid: string,
  name: 'cgroup' | 'cmdline' | 'environ' | 'stat' | 'status',
): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return ''
  }
}

/** The fields of `stat` from the third, the state, on: see proc(5). */
export function readStat(pid: string): readonly string[] {
  const text = readProcessFile(pid, 'stat')
  // The second field is a name in parentheses that may contain anything, parentheses too.
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Processes with such a mark in their environment; descendants may have dropped it. */
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
 * Whether a process without an environment is about to have one: unlike a zombie or a kernel thread it has a
 * program and is accessible, but the end of its environment is not known yet.
 */
function isStarting(pid: string): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return false
  }
  return readStat(pid)[ENVIRONMENT_END] === '0'
}
