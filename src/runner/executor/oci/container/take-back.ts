import { runProgram } from '../../../network/commands.ts'
import { WORKSPACE } from '../../containers/container-profile.ts'
import type { ContainerSpec } from '../../containers/container-spec.ts'

/** The folder of a container's workspace, if it has one. */
export function workspaceOf({ mounts }: ContainerSpec): string | undefined {
  return mounts.find(({ target }) => target === WORKSPACE)?.source
}

/**
 * Gives an ordinary user the folders in a workspace that its containers have given to users of theirs, so that it can
 * remove them. `enter` is the command prefix for the root of these users; empty: the runner is root, and needs nothing.
 */
export async function takeBack(
  enter: readonly string[],
  workspace: string | undefined,
): Promise<void> {
  if (enter.length === 0 || workspace === undefined) return
  const [program = '', ...args] = enter
  const find = ['find', workspace, '-xdev', '-type', 'd', '!', '-uid', '0']
  const give = ['-exec', 'chown', '-h', '0:0', '{}', '+']
  // Without it, removing the folder fails with a reason of its own.
  await runProgram(program, [...args, ...find, ...give]).catch(() => {})
}
