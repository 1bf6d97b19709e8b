import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { runToEnd } from '../../../../lib/programs/run-program.ts'
import { RUN_FLAGS } from '../spec/oci-spec.ts'
import type { RuntimeName, RuntimeProgram } from './trial-container.ts'

interface KnownContainer {
  readonly id: string
  readonly runtime: RuntimeProgram
  readonly stateRoot: string
}

const MAX_BYTES = 1024 * 1024

interface RunPaths {
  readonly stateRoot: string
  /** The folder with the configuration. */
  readonly bundle: string
  /** A file for the errors of the runtime itself. */
  readonly log: string
}

/** The command line of `run`, up to the container's name; it ends with the container. */
export function runCommand(
  { name, path }: RuntimeProgram,
  { stateRoot, bundle, log }: RunPaths,
): readonly string[] {
  // Kept, so that its control groups can still be read.
  const own = name === 'crun' ? [] : ['--keep']
  return [
    path,
    ...globalOptions(name, stateRoot),
    '--log',
    log,
    'run',
    ...RUN_FLAGS,
    ...own,
    '--bundle',
    bundle,
  ]
}

/** The command line of `exec`, up to its `--process FILE` and the container's name. */
export function execCommand({ name, path }: RuntimeProgram, stateRoot: string): readonly string[] {
  return [path, ...globalOptions(name, stateRoot), 'exec']
}

/** Has a runtime forget a container, which may be of no use: it was removed, or what it knows is cut off. */
export async function forget({ id, runtime, stateRoot }: KnownContainer): Promise<void> {
  const { name, path } = runtime
  const command = [path, ...globalOptions(name, stateRoot), 'delete', '--force', id] as const
  await runToEnd(command, { env: PROGRAM_ENV, maxBytes: MAX_BYTES }).catch(() => {})
}

function globalOptions(name: RuntimeName, stateRoot: string): readonly string[] {
  const groups = name === 'crun' ? ['--cgroup-manager=disabled'] : []
  return ['--root', stateRoot, ...groups]
}
