import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { processesIn } from '../../local/bounds/group-processes.ts'
import { untilSo, writeGroup } from './group-files.ts'

/** Kills what is in these groups, which may not exist any more; resolves once nothing is left. */
export async function killGroups(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const kill = join(folder, 'cgroup.kill')
    if (existsSync(kill)) writeGroup(kill, '1')
  }
  const [first = ''] = folders
  await untilSo(first, () => {
    const left = new Set(folders.flatMap(processesIn))
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended meanwhile.
      }
    }
    // A frozen one dies only when it is thawed; in the unified hierarchy it needn't be.
    if (left.size > 0) for (const folder of folders) thawFirst(folder)
    return left.size === 0
  })
}

function thawFirst(folder: string): void {
  const file = join(folder, 'freezer.state')
  if (existsSync(file)) writeGroup(file, 'THAWED')
}
