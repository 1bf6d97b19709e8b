import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The pids in a control group, without this process's; none if there is no such group. */
export function processesIn(folder: string): readonly number[] {
  try {
    const text = readFileSync(join(folder, 'cgroup.procs'), 'utf8')
    return text
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
  } catch {
    return []
  }
}
