import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCodeOf } from '../../../../lib/exit-code.ts'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import type {
  ContainerExec,
  ExecSettings,
  PreparedExec,
} from '../../containers/container-engine.ts'
import type { FifoPaths } from '../../pipes/step-pipes.ts'
import { enterGroups } from '../launch/launch-script.ts'
import { execCommand } from '../runtime/runtime-commands.ts'
import type { OciSpec } from '../spec/oci-json.ts'
import { ROOT_USER } from '../spec/users/container-user.ts'
import { markOf } from '../trees/container-tree.ts'
import type { Launch, OciContainer } from './oci-container.ts'
import { OutputPipes } from './output-pipes.ts'

/** The descriptor by which the runtime reads what to run: in its arguments everybody would read the secrets. */
const PROCESS_FD = 3
const LAST_MOMENT_MS = 100
const NOT_STARTED = 126

/** A command in a running container, with the container's rights and variables. */
export function prepareExec(
  container: OciContainer,
  launch: Launch,
  settings: ExecSettings,
): PreparedExec {
  return { start: async () => startExec(container, launch.config, settings) }
}

/** The command line for it, which reads the process from `PROCESS_FD`. */
export function execCommandIn(container: OciContainer): readonly [string, ...string[]] {
  const { id, group, runtime, stateRoot } = container.parts
  const process = ['--process', `/dev/fd/${PROCESS_FD}`]
  const exec = [...execCommand(runtime, stateRoot), ...process, id]
  return enterGroups(group.doorsFor(runtime), [...container.join, ...exec])
}

async function startExec(
  container: OciContainer,
  config: OciSpec,
  settings: ExecSettings,
): Promise<ContainerExec> {
  const fifos: FifoPaths = await container.parts.takeFifos()
  const output = new OutputPipes(fifos)
  const [program, ...args] = execCommandIn(container)
  const described = openDescription(container, processOf(config, settings))
  const child = spawn(program, args, {
    cwd: '/',
    env: { ...PROGRAM_ENV, ...markOf(container.parts.tree) },
    stdio: ['pipe', ...output.writers, described],
    detached: true,
  })
  closeSync(described)
  output.handOver()
  const exit = exitOf(child)
  const input = child.stdin
  input?.on('error', () => {})
  return {
    parts: output.parts,
    hangUp: () => {
      output.hangUp()
      input?.destroy()
    },
    write: (text) => void input?.write(text),
    end: (text) => void input?.end(text),
    // It is frozen with the container as soon as it has entered its control groups, before it runs anything.
    hasBegun: async () => true,
    // The output may end a moment before the runtime does.
    findExit: () => Promise.race([exit, sleep(LAST_MOMENT_MS, undefined)]),
  }
}

export function processOf(
  { process: first }: OciSpec,
  { command, env, rootIn }: ExecSettings,
): OciSpec['process'] {
  const own = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const names = new Set(Object.keys(env))
  const others = first.env.filter((entry) => !names.has(entry.slice(0, entry.indexOf('='))))
  const base = { ...first, args: command, env: [...others, ...own] }
  if (rootIn === undefined) return base
  const { uid, gid, groups } = ROOT_USER
  return { ...base, user: { uid, gid, additionalGids: groups }, cwd: rootIn }
}

/** A file without a name: the runtime opens its descriptor by a path, which a socket of Node's doesn't allow. */
function openDescription({ parts }: OciContainer, process: OciSpec['process']): number {
  const file = join(parts.files.path, `exec-${numbers++}.json`)
  writeFileSync(file, JSON.stringify(process), { flag: 'wx', mode: 0o600 })
  const fd = openSync(file, 'r')
  rmSync(file)
  return fd
}

let numbers = 0

/** Of the runtime, which passes on that of the command; never rejects. */
function exitOf(child: ChildProcess): Promise<number> {
  const exit = Promise.withResolvers<number>()
  child.once('exit', (code, signal) => exit.resolve(exitCodeOf(code, signal)))
  child.once('error', () => exit.resolve(NOT_STARTED))
  return exit.promise
}
