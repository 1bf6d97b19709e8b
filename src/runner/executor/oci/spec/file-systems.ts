import type { OciMount } from './oci-json.ts'
import type { BindMount, ContainerNetwork, NameFiles, OciWanted } from './oci-wanted.ts'

const SHM_BYTES = 64 * 1024 * 1024
const LOCKED = ['nosuid', 'noexec', 'nodev']

/** What a container sees besides its image, as in Docker. */
export function mountsOf({ network, names, shmBytes, mounts }: OciWanted): readonly OciMount[] {
  return [
    fileSystem('/proc', 'proc', LOCKED),
    fileSystem('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    fileSystem('/dev/pts', 'devpts', TERMINALS),
    sysfs(network),
    fileSystem('/sys/fs/cgroup', 'cgroup', ['ro', ...LOCKED]),
    fileSystem('/dev/mqueue', 'mqueue', LOCKED),
    fileSystem('/dev/shm', 'tmpfs', [...LOCKED, 'mode=1777', `size=${shmBytes ?? SHM_BYTES}`]),
    ...nameMounts(names),
    ...mounts.map(bindMount),
  ]
}

/** The group `tty` of every distribution. */
const TTY_GROUP = 5
const TERMINALS = [
  'nosuid',
  'noexec',
  'newinstance',
  'ptmxmode=0666',
  'mode=0620',
  `gid=${TTY_GROUP}`,
]

function fileSystem(destination: string, type: string, options: readonly string[]): OciMount {
  return { destination, type, source: type, options }
}

function sysfs(network: ContainerNetwork): OciMount {
  const source = network.kind === 'new' ? undefined : network.sysfs
  if (source === undefined) return fileSystem('/sys', 'sysfs', [...LOCKED, 'ro'])
  const options = ['rbind', 'rprivate', ...LOCKED, 'ro']
  return { destination: '/sys', type: 'bind', source, options }
}

function nameMounts(names: NameFiles | undefined): readonly OciMount[] {
  if (!names) return []
  return [
    bindMount({ source: names.hosts, target: '/etc/hosts' }),
    bindMount({ source: names.hostname, target: '/etc/hostname' }),
    bindMount({ source: names.resolvConf, target: '/etc/resolv.conf' }),
  ]
}

function bindMount({ source, target, isReadOnly = false, keepsIds = false }: BindMount): OciMount {
  const options = [
    'rbind',
    'rprivate',
    ...(isReadOnly ? ['ro'] : []),
    ...(keepsIds ? ['idmap'] : []),
  ]
  return { destination: target, type: 'bind', source, options }
}

/** Files of the kernel that tell about the machine or change it: hidden. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

export const READ_ONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]
