import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import type { ExecSettings } from '../../containers/container-engine.ts'
import type { SandboxShell } from '../../sandbox-shell.ts'
import { enterGroups } from '../launch/launch-script.ts'
import { execCommand } from '../runtime/runtime-commands.ts'
import { markOf } from '../trees/container-tree.ts'
import type { Launch, OciContainer } from './oci-container.ts'
import { processOf } from './oci-exec.ts'

/** With a terminal if the person has one: then the runtime makes a new one, and passes on what is written. */
const CHOOSE =
  'if [ -t 0 ]; then shell="$1"; else shell="$2"; fi; shift 2; exec "$@" --process "$shell" "$0"'

/**
 * An interactive command in a running container. What it is told stands in files that only the runner can read,
 * since in its arguments everybody could.
 */
export function ociShell(
  container: OciContainer,
  { config }: Launch,
  settings: ExecSettings,
): SandboxShell {
  const { id, files, group, runtime, stateRoot } = container.parts
  const process = processOf(config, settings)
  const [onTerminal, plain] = [true, false].map((terminal) => {
    const file = join(files.path, `shell-${terminal ? 'terminal' : 'plain'}.json`)
    writeFileSync(file, JSON.stringify({ ...process, terminal }), { mode: 0o600 })
    return file
  })
  const exec = [...container.join, ...execCommand(runtime, stateRoot)]
  const [command, ...args] = enterGroups(group.doorsFor(runtime), [
    '/bin/sh',
    '-c',
    CHOOSE,
    id,
    onTerminal ?? '',
    plain ?? '',
    ...exec,
  ])
  return {
    kind: 'program',
    command,
    args,
    env: { ...PROGRAM_ENV, ...markOf(container.parts.tree) },
    cwd: '/',
  }
}
