import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeGroup } from '../../local/bounds/sandbox-cgroups.ts'
import { killTree } from '../../processes/process-tree.ts'
import { killGroups } from '../cgroups/kill-groups.ts'
import { forget } from '../runtime/runtime-commands.ts'
import { inTree } from '../trees/container-tree.ts'
import type { ContainerRecord } from './container-record.ts'
import { takeBack } from './take-back.ts'
import { treeOf } from './tree-of.ts'

/**
 * Ends and removes a container of a previous process, whatever there is of it: its processes, what its runtime knows,
 * its control groups. Its mounts have gone with its last process.
 */
export async function removeLeftover(
  record: ContainerRecord,
  enter: readonly string[],
): Promise<void> {
  const { id, stateRoot, groups } = record
  if (groups.some((folder) => existsSync(folder))) await killGroups(groups)
  else await killTree(inTree(treeOf(record)))
  const state = join(stateRoot, id)
  if (existsSync(state)) {
    await forget(record)
    rmSync(state, { recursive: true, force: true })
  }
  await takeBack(enter, record.workspace)
  for (const folder of groups) await removeGroup(folder)
}
