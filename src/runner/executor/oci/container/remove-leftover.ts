import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PROGRAM_ENV } from '../../../tools/programs.ts'
import { removeGroup } from '../../local/bounds/sandbox-cgroups.ts'
import { killGroups } from '../cgroups/kill-groups.ts'
import { deleteCommand } from '../runtime/runtime-commands.ts'
import type { ContainerRecord } from './container-record.ts'

const run = promisify(execFile)

/**
 * Ends and removes a container of a previous process, whatever there is of it: its processes, what its runtime knows,
 * its control groups. Its mounts have gone with its last process.
 */
export async function removeLeftover(record: ContainerRecord): Promise<void> {
  const { id, runtime, stateRoot, groups } = record
  await killGroups(groups)
  const state = join(stateRoot, id)
  if (existsSync(state)) {
    const [program, ...args] = [...deleteCommand(runtime, stateRoot), id]
    // It may be of no use: a runtime that was removed, or a state that was cut off.
    await run(program, args, { env: PROGRAM_ENV }).catch(() => {})
    rmSync(state, { recursive: true, force: true })
  }
  for (const folder of groups) await removeGroup(folder)
}
