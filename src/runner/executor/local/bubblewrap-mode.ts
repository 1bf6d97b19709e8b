import { execFile } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describeError } from '../../../lib/errors.ts'
import { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import { makeFifos } from '../../../lib/programs/make-fifos.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'
import { isProgram } from '../../network/commands.ts'
import { PauseGate } from '../pause-gate.ts'
import { kill, listBelow, terminateBelow } from '../processes/process-tree.ts'
import { type SandboxShell, SHELL_SCRIPT } from '../sandbox-shell.ts'
import { launch } from './bounds/sandbox-launch.ts'
import type { SandboxUser } from './bounds/sandbox-users.ts'
import { type BubblewrapMode, sandboxArgs } from './bubblewrap-args.ts'
import { type Box, type BoxMeans, openBox } from './bubblewrap-box.ts'
import { runLocal } from './local-step.ts'
import { openScratch, type Scratch } from './scratch.ts'
import { STANDARD_PATH } from './standard-path.ts'

const run = promisify(execFile)

/** `nobody` on every Linux: for sandboxes of a root that has too few users for one each. */
const NOBODY: SandboxUser = { uid: 65_534, gid: 65_534 }
const PROBE_MS = 10_000

/** Where and with what sandboxes are tried. */
export interface ModeTrial {
  readonly instance: string
  /** For scratch folders; the machine's temporary folder by default. */
  readonly folder?: string | undefined
  readonly means: BoxMeans
}

/** Tries what works for this process, best first; resolves to the reason if nothing does. */
export async function findBubblewrapMode(trial: ModeTrial): Promise<BubblewrapMode | string> {
  const [isThere, hasPrlimit] = await Promise.all([isProgram('bwrap'), isProgram('prlimit')])
  if (!isThere) {
    return 'bubblewrap is not installed: apt-get install bubblewrap (its package has this name in every distribution)'
  }
  const isRoot = process.getuid?.() === 0
  const user = NOBODY
  const candidates: readonly BubblewrapMode[] = isRoot
    ? [
        { privileged: true, user, hasPrlimit },
        { privileged: false, user, hasPrlimit },
      ]
    : [{ privileged: false, hasPrlimit }]
  let trouble = ''
  for (const mode of candidates) {
    const said = await tryMode(mode, trial).catch(describeError)
    if (said === '') return mode
    trouble ||= said
  }
  return `bubblewrap can't create a sandbox here (${trouble}): ${advice(isRoot)}`
}

/** Gives the job's folders to the sandbox's user, if that is not the runner's own. */
export async function giveWorkspace(
  mode: BubblewrapMode,
  folders: readonly string[],
): Promise<void> {
  if (!mode.user) return
  const { uid, gid } = mode.user
  await run('chown', ['-hR', `${uid}:${gid}`, '--', ...folders])
}

/** Runs `true` as a step; resolves to '' on success, else to its error output. */
export async function tryMode(
  mode: BubblewrapMode,
  { instance, folder, means }: ModeTrial,
  network?: 'none',
): Promise<string> {
  await using owned = new AsyncDisposableStack()
  const scratch = owned.use(await openScratch(`${instance}.probe`, folder))
  const box = await openBox({ mode, means, scratch, limits: LIMITS }, owned)
  const workspace = join(scratch.path, 'workspace')
  await mkdir(workspace)
  await chmod(workspace, 0o755)
  await giveWorkspace(box.mode, [workspace])
  const said: Uint8Array[] = []
  const exitCode = await runLocal(
    await probeProgram(box, { scratch, workspace, network }),
    (_stream, chunk) => void said.push(chunk),
    AbortSignal.timeout(PROBE_MS),
  )
  if (exitCode === 0) return ''
  // A program that ends early may leave a part of the end marker (see `EndMarker`): no message.
  const lines = Buffer.concat(said).toString().trim().split('\n')
  return lines.findLast((line) => !line.includes('\u0001')) || `exit code ${exitCode}`
}

interface ProbeParts {
  readonly scratch: Scratch
  readonly workspace: string
  readonly network: 'none' | undefined
}

const LIMITS = { memoryBytes: 2 ** 30, cpus: 1, processes: 1_000 }

async function probeProgram(box: Box, { scratch, workspace, network }: ProbeParts) {
  const file = await scratch.writeScript(0, 'touch /workspace/x; test ! -w /usr')
  const path = STANDARD_PATH
  const view = { ...box, workspace, scratch, hide: [], path, limits: LIMITS, network, file }
  return {
    ...bubblewrapProgram({ ...box, enter: [] }, await sandboxArgs(view), { PATH: path }, {}),
    fifos: new FifoStock(scratch.path, makeFifos),
    gate: new PauseGate(),
  }
}

/** How bubblewrap is started: through the command of `Connection.enter`. */
export type BubblewrapStart = Pick<Box, 'mode' | 'launch'> & { readonly enter: readonly string[] }

/** The program of one step; `env` reaches only the script. */
export function bubblewrapProgram(
  start: BubblewrapStart,
  args: readonly string[],
  base: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
) {
  return {
    ...commandOf(start, args),
    env: base,
    input: assignments(env),
    cwd: '/',
    // The rest of the sandbox dies with bwrap (--die-with-parent).
    kill: async (pid: number) => void kill(pid),
    // If bubblewrap itself got the signal, it would take everything down at once.
    terminate: (pid: number) => terminateBelow(pid),
    list: listBelow,
  }
}

/** The file of an interactive shell: the environment can't be passed on its standard input. */
export function shellFile(env: Readonly<Record<string, string>>): string {
  return `${assignments(env)}${SHELL_SCRIPT}\n`
}

/** The program of an interactive shell; `args` belong to a view for one. */
export function bubblewrapShell(
  start: BubblewrapStart,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): SandboxShell {
  return { kind: 'program', ...commandOf(start, args), env, cwd: '/' }
}

function commandOf({ mode, launch: parts, enter }: BubblewrapStart, args: readonly string[]) {
  const user = mode.user && !mode.privileged ? mode.user : undefined
  const isDirect = enter.length === 0 && parts.doors.length === 0
  // Only root may enter networks and groups; setpriv then becomes the user.
  const ids = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []
  const become = user && !isDirect ? ['setpriv', ...ids, '--'] : []
  const [command, ...rest] = launch(parts, [...enter, ...become, 'bwrap', ...args])
  return { command, args: rest, ...(user && isDirect ? { user } : {}) }
}

/** Bash fails on assignments to these, and ignores them in its environment. */
const READ_ONLY = new Set(['UID', 'EUID', 'PPID', 'BASHOPTS', 'SHELLOPTS', 'BASH_VERSINFO'])

/** Shell text that exports the variables; their names have been checked. */
function assignments(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .filter(([name]) => !READ_ONLY.has(name))
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join('')
}

function advice(isRoot: boolean): string {
  return isRoot
    ? 'in a container, start it with --privileged, or use Docker; setpriv must be there (util-linux)'
    : 'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), or use Docker'
}
