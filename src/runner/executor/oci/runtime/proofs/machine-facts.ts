import { readFileSync, readlinkSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { machine, release, version } from 'node:os'

/** Where libseccomp is in the usual distributions. */
const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/lib64',
  '/lib',
].map((folder) => `${folder}/libseccomp.so.2`)

/** What the start of a container reads and runs besides its runtime. */
const FILES = [
  '/bin/sh',
  '/usr/bin/unshare',
  '/usr/bin/nsenter',
  '/usr/bin/mount',
  '/usr/bin/newuidmap',
  '/usr/bin/newgidmap',
  '/etc/subuid',
  '/etc/subgid',
]

const SETTINGS = [
  'kernel/apparmor_restrict_unprivileged_userns',
  'kernel/unprivileged_userns_clone',
  'user/max_user_namespaces',
  'user/max_mnt_namespaces',
  'user/max_pid_namespaces',
]

/** What this process may do, and was given. */
const STATUS = /^(?:Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap\w+):.*$/gm

/** Of mounts, the lines of all control groups: where they are, and whether they can be written. */
const GROUP_MOUNTS = /^.* - cgroup2? .*$/gm

/**
 * All of this machine, and of this process on it, that decides whether a container can be started with what keeps it
 * apart, but for the container itself; `folder` is where its files are. Plain data, equal if nothing has changed.
 */
export function machineFacts(folder: string): readonly unknown[] {
  return [
    [release(), version(), machine()],
    readText('/proc/self/status').match(STATUS),
    ['user', 'mnt', 'pid', 'cgroup'].map((kind) => readLink(`/proc/self/ns/${kind}`)),
    readText('/proc/self/mountinfo').match(GROUP_MOUNTS),
    readText('/proc/self/attr/current'),
    readText('/sys/fs/selinux/enforce'),
    SETTINGS.map((name) => readText(`/proc/sys/${name}`)),
    libraryFacts(),
    FILES.map(fileIdentity),
    folderFacts(folder),
  ]
}

export function libraryFacts(): readonly unknown[] {
  return LIBRARIES.map(fileIdentity)
}

/** A file and its rights: an update replaces it. Empty if there is none. */
export function fileIdentity(path: string): readonly unknown[] {
  try {
    const real = realpathSync(path)
    const { size, mtimeMs, ctimeMs, ino, dev, mode, uid, gid } = statSync(real)
    return [real, size, mtimeMs, ctimeMs, ino, dev, mode, uid, gid]
  } catch {
    return []
  }
}

/** File systems differ in what an overlay can do on them. */
function folderFacts(path: string): readonly unknown[] {
  try {
    return [statSync(path).dev, statfsSync(path).type]
  } catch {
    return []
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
