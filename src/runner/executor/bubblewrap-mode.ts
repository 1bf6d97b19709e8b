import { execFile } from 'node:child_process'
import { access, chmod, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describeError } from '../../lib/errors.ts'
import { type BubblewrapMode, sandboxArgs } from './bubblewrap-args.ts'
import { runLocal } from './local-step.ts'
import { PauseGate } from './pause-gate.ts'
import { kill, terminateBelow } from './process-tree.ts'
import { type SandboxShell, SHELL_SCRIPT } from './sandbox-shell.ts'
import { openScratch, type Scratch } from './scratch.ts'
import { STANDARD_PATH } from './standard-path.ts'

const run = promisify(execFile)

/** `nobody` on every Linux: the sandboxes of a runner that is root run as this user. */
const NOBODY = { uid: 65_534, gid: 65_534 }
const PROBE_MS = 10_000

/** Tries what works for this process, best first; resolves to why nothing does, in words. */
export async function findBubblewrapMode(instance: string): Promise<BubblewrapMode | string> {
  const [isThere, limits] = await Promise.all([isProgram('bwrap'), isProgram('prlimit')])
  if (!isThere) {
    return 'bubblewrap is not installed: apt-get install bubblewrap (its package has this name in every distribution)'
  }
  const isRoot = process.getuid?.() === 0
  const candidates: readonly BubblewrapMode[] = isRoot
    ? [
        { privileged: true, user: NOBODY, limits },
        { privileged: false, user: NOBODY, limits },
      ]
    : [{ privileged: false, limits }]
  let trouble = ''
  for (const mode of candidates) {
    const said = await tryMode(mode, instance).catch(describeError)
    if (said === '') return mode
    trouble ||= said
  }
  return `bubblewrap can't make a sandbox here (${trouble}): ${advice(isRoot)}`
}

/** Makes the job's folders belong to the user of the sandbox, if that is not the runner's own. */
export async function giveWorkspace(
  mode: BubblewrapMode,
  folders: readonly string[],
): Promise<void> {
  if (!mode.user) return
  const { uid, gid } = mode.user
  await run('chown', ['-hR', `${uid}:${gid}`, '--', ...folders])
}

/** Runs `true` as a step; resolves to '' when that went well, else to what was said. */
export async function tryMode(
  mode: BubblewrapMode,
  instance: string,
  network?: 'none',
): Promise<string> {
  await using scratch = await openScratch(`${instance}.probe`)
  const workspace = join(scratch.path, 'workspace')
  await mkdir(workspace)
  await chmod(workspace, 0o755)
  await giveWorkspace(mode, [workspace])
  const said: Uint8Array[] = []
  const exitCode = await runLocal(
    await probeProgram(mode, { scratch, workspace, network }),
    (_stream, chunk) => void said.push(chunk),
    AbortSignal.timeout(PROBE_MS),
  )
  if (exitCode === 0) return ''
  return Buffer.concat(said).toString().trim().split('\n').at(-1) || `exit code ${exitCode}`
}

interface ProbeParts {
  readonly scratch: Scratch
  readonly workspace: string
  readonly network: 'none' | undefined
}

async function probeProgram(mode: BubblewrapMode, { scratch, workspace, network }: ProbeParts) {
  const file = await scratch.writeScript(0, 'touch /workspace/x; test ! -w /usr')
  const limits = { memoryBytes: 0, cpus: 1, processes: 1_000 }
  const args = await sandboxArgs({
    mode,
    workspace,
    scratch,
    hide: [],
    path: STANDARD_PATH,
    limits,
    network,
    file,
  })
  return {
    ...bubblewrapProgram(mode, args, { PATH: STANDARD_PATH }, {}),
    scratch: scratch.path,
    gate: new PauseGate(),
  }
}

/** The program of one step; `env` reaches only the script. */
export function bubblewrapProgram(
  mode: BubblewrapMode,
  args: readonly string[],
  base: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
) {
  return {
    command: 'bwrap',
    args,
    env: base,
    input: assignments(env),
    cwd: '/',
    ...(mode.user ? { owner: mode.user } : {}),
    ...(mode.user && !mode.privileged ? { user: mode.user } : {}),
    // The rest of the sandbox dies with bwrap (--die-with-parent).
    kill: async (pid: number) => void kill(pid),
    // Bubblewrap itself would take all of it with it at once.
    terminate: (pid: number) => terminateBelow(pid),
  }
}

/** The file of a shell for a person: the environment can't come by its standard input. */
export function shellFile(env: Readonly<Record<string, string>>): string {
  return `${assignments(env)}${SHELL_SCRIPT}\n`
}

/** The program of a shell for a person; `args` are of a view that is one. */
export function bubblewrapShell(
  mode: BubblewrapMode,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): SandboxShell {
  const user = mode.user && !mode.privileged ? { user: mode.user } : {}
  return { kind: 'program', command: 'bwrap', args, env, cwd: '/', ...user }
}

/** Bash would stop at an assignment to these, and as environment variables it ignores them. */
const READ_ONLY = new Set(['UID', 'EUID', 'PPID', 'BASHOPTS', 'SHELLOPTS', 'BASH_VERSINFO'])

/** Shell text that exports the variables; their names have been checked. */
function assignments(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .filter(([name]) => !READ_ONLY.has(name))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('')
}

function advice(isRoot: boolean): string {
  return isRoot
    ? 'in a container, start it with --privileged, or use Docker; setpriv must be there (util-linux)'
    : 'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), or use Docker'
}

/** Whether there is a program of this name; that it works is seen when it is used. */
async function isProgram(name: string): Promise<boolean> {
  const paths = STANDARD_PATH.split(':').map((folder) => join(folder, name))
  return await Promise.any(paths.map((path) => access(path, constants.X_OK))).then(
    () => true,
    () => false,
  )
}
