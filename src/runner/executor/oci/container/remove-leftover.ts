import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeGroup } from '../../local/bounds/sandbox-cgroups.ts'
import { killGroups } from '../cgroups/kill-groups.ts'
import { forget } from '../runtime/runtime-commands.ts'
import type { ContainerRecord } from './container-record.ts'

/**
 * Ends and removes a container of a previous process, whatever there is of it: its processes, what its runtime knows,
 * its control groups. Its mounts have gone with its last process.
 */
export async function removeLeftover(record: ContainerRecord): Promise<void> {
  const { id, stateRoot, groups } = record
  await killGroups(groups)
  const state = join(stateRoot, id)
  if (existsSync(state)) {
    await forget(record)
    rmSync(state, { recursive: true, force: true })
  }
  for (const folder of groups) await removeGroup(folder)
}
