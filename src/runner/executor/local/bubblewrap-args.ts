import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { SandboxLimits } from '../executor.ts'
import { PROCESS_MARK } from '../processes/process-search.ts'
import { type ProcessLimit, withinHardLimit } from './bounds/process-limit.ts'
import type { Replacement } from './bounds/sandbox-accounts.ts'
import { FILTER_FD, type LaunchParts } from './bounds/sandbox-launch.ts'
import type { SandboxUser } from './bounds/sandbox-users.ts'
import type { Scratch } from './scratch.ts'

/** Path of the workspace in every step. */
export const WORKSPACE = '/workspace'
export const MASK_FILE = '/narwhal-mask'
/** Read-only: the scripts of the steps and other files from the runner. */
export const STEPS_FOLDER = '/narwhal'

/** How this process can use bubblewrap; found out by trying. */
export interface BubblewrapMode {
  /** The user that the steps run as; absent: the runner's own. */
  readonly user?: SandboxUser
  /** Whether bubblewrap itself may create namespaces, or needs a user namespace for it. */
  readonly privileged: boolean
  /** Whether `prlimit` is available. */
  readonly hasPrlimit: boolean
}

export interface SandboxView {
  readonly mode: BubblewrapMode
  readonly workspace: string
  /** The file is that of an interactive shell. */
  readonly isShell?: true
  readonly scratch: Pick<Scratch, 'steps' | 'home' | 'tmp' | 'shm' | 'maskFile'>
  /** Absolute paths that must not be visible. */
  readonly hide: readonly string[]
  readonly path: string
  readonly limits: SandboxLimits
  readonly network?: 'none' | undefined
  /** A file for /etc/resolv.conf; absent: the machine's own. */
  readonly resolvConf?: string | undefined
  /** The script, in `scratch.steps`. */
  readonly file: string
  readonly launch: LaunchParts
  readonly processLimit: ProcessLimit
  readonly accounts: readonly Replacement[]
}

/** Of the root folder only these are visible; everything else does not exist in a sandbox. */
const SHOWN = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'etc', 'opt', 'nix', 'gnu']
/** What package managers need to report what is installed. */
const DATABASES = ['/var/lib/dpkg', '/var/lib/rpm']
/** In visible folders, but private. File permissions hide most of them as well. */
const SECRETS = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/security/opasswd',
  '/etc/ssl/private',
  '/etc/letsencrypt',
  '/etc/krb5.keytab',
  '/etc/docker',
  '/etc/kubernetes',
  '/etc/wireguard',
  '/etc/openvpn',
  '/etc/NetworkManager',
  '/etc/rabbitmq',
  '/etc/narwhal',
]

/**
 * The arguments of `bwrap` for one step. Its standard input must be shell assignments that are evaluated
 * before the script: an environment passed to bwrap itself would reach programs with more privileges
 * (`LD_PRELOAD`), and one on the command line would be visible to the whole machine.
 */
export async function sandboxArgs(view: SandboxView): Promise<readonly string[]> {
  const { mode, scratch, network } = view
  const bind = (from: string, to: string) => ['--bind', from, to]
  return [
    ...namespaces(mode),
    ...(view.launch.filter === undefined ? [] : ['--seccomp', String(FILTER_FD)]),
    // A network namespace of its own has loopback only.
    ...(network === 'none' ? ['--unshare-net'] : []),
    // Before the mounts in them: a folder that bubblewrap creates for a mount is accessible to root only.
    ...words('--dir /root --dir /run --dir /home --dir /var --dir /var/lib'),
    ...(await shownFolders()),
    ...view.accounts.flatMap(({ file, by }) => ['--ro-bind', by, file]),
    ...(await hiddenPaths(view.hide)),
    ...words('--proc /proc --dev /dev'),
    ...bind(scratch.shm, '/dev/shm'),
    ...bind(scratch.tmp, '/tmp'),
    ...bind(scratch.tmp, '/var/tmp'),
    ...bind(scratch.home, '/home/narwhal'),
    ...(await tools(view)),
    ...(await nameService(view.resolvConf)),
    ...bind(view.workspace, WORKSPACE),
    ...bind(scratch.maskFile, MASK_FILE),
    '--ro-bind',
    scratch.steps,
    STEPS_FOLDER,
    ...words('--remount-ro / --chdir / --'),
    ...becomeUser(view),
    ...(view.isShell ? AROUND_A_SHELL : AROUND_THE_SCRIPT),
    join(STEPS_FOLDER, basename(view.file)),
  ]
}

const AROUND_THE_SCRIPT = [
  '/bin/sh',
  '-c',
  // Only the step's user is certain to have access to the workspace.
  `cd ${WORKSPACE} && eval "$(cat)" && exec /bin/sh -e "$1" </dev/null`,
  'narwhal',
]

/** Its standard input is the person's. */
const AROUND_A_SHELL = ['/bin/sh', '-c', `cd ${WORKSPACE} && . "$1"`, 'narwhal']

function namespaces({ privileged, user }: BubblewrapMode): readonly string[] {
  const caps = privileged && user ? ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'] : []
  return [
    ...(privileged ? [] : ['--unshare-user']),
    ...words('--unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try'),
    ...words('--hostname narwhal --die-with-parent --new-session --cap-drop ALL'),
    // Bubblewrap's own processes keep it, visible in /proc; all others are their descendants.
    ...words(`--unsetenv ${PROCESS_MARK}`),
    ...caps.flatMap((cap) => ['--cap-add', cap]),
  ]
}

function words(text: string): readonly string[] {
  return text.split(' ')
}

/** Drops what bubblewrap needed, first of all root. */
function becomeUser({ mode, limits, processLimit }: SandboxView): readonly string[] {
  const limit =
    processLimit === 'rlimit'
      ? ['prlimit', `--nproc=${withinHardLimit(limits.processes)}`, '--']
      : []
  if (!mode.user || !mode.privileged) return limit
  const { uid, gid } = mode.user
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return [...limit, 'setpriv', ...ids, '--inh-caps=-all', '--bounding-set=-all', '--']
}

async function shownFolders(): Promise<readonly string[]> {
  const args = await Promise.all(
    SHOWN.map(async (name) => {
      const path = `/${name}`
      const kind = await lstat(path).catch(() => undefined)
      if (kind?.isSymbolicLink()) return ['--symlink', await readlink(path), path]
      return kind?.isDirectory() ? ['--ro-bind', path, path] : []
    }),
  )
  return [...args.flat(), ...DATABASES.flatMap((path) => ['--ro-bind-try', path, path])]
}

/** The runner's own tools in a home folder, such as a Node of nvm: their folder, without its siblings. */
async function tools({ path, hide }: SandboxView): Promise<readonly string[]> {
  const args: string[] = []
  for (const folder of path.split(':')) {
    if (!folder.startsWith('/') || isShown(folder) || basename(folder) !== 'bin') continue
    if (hide.some((hidden) => isWithin(folder, hidden))) continue
    const whole = dirname(folder)
    const isToolchain = (await exists(join(whole, 'lib'))) && !isHome(whole)
    const bound = isToolchain ? whole : folder
    args.push(...foldersAbove(bound), '--ro-bind-try', bound, bound)
  }
  return args
}

function foldersAbove(path: string): readonly string[] {
  const above = dirname(path)
  return above === '/' ? [] : [...foldersAbove(above), '--dir', above]
}

function isHome(folder: string): boolean {
  return (
    folder === '/' ||
    folder === '/root' ||
    dirname(folder) === '/home' ||
    basename(folder) === '.local'
  )
}

async function hiddenPaths(hide: readonly string[]): Promise<readonly string[]> {
  const keys = (await readdir('/etc/ssh').catch(() => [])).filter((name) => name.endsWith('_key'))
  const wanted = [...SECRETS, ...keys.map((name) => join('/etc/ssh', name)), ...hide]
  const args = await Promise.all(
    wanted.map(async (path) => {
      const real = await realpath(path).catch(() => undefined)
      if (real === undefined || !isShown(real)) return []
      const folder = (await lstat(real)).isDirectory()
      return folder ? ['--tmpfs', real] : ['--ro-bind', '/dev/null', real]
    }),
  )
  return args.flat()
}

/** /etc/resolv.conf is often a link into /run, which is empty here. */
async function nameService(file: string | undefined): Promise<readonly string[]> {
  const real = await realpath('/etc/resolv.conf').catch(() => undefined)
  if (real === undefined) return []
  if (isShown(real)) return file === undefined ? [] : ['--ro-bind', file, real]
  return [...foldersAbove(real), '--ro-bind', file ?? real, real]
}

function isShown(path: string): boolean {
  return SHOWN.some((name) => isWithin(path, `/${name}`))
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
