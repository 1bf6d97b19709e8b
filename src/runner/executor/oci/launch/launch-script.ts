import { existsSync } from 'node:fs'

/**
 * Starts a container: enters its control groups, makes the mounts that it needs in a mount namespace of its own,
 * and becomes the runtime. So no mount is ever seen in the machine's namespace, and none can be left there: they
 * are gone with the last process of the container.
 *
 * By mount(2): from util-linux 2.39 on, mount(8) would use fsconfig(2), which takes no option of more than 255 bytes,
 * as the list of some 65 layers has.
 *
 * The arguments: the folder of the container; files to write a 0 to, up to `--`; the command.
 */
const LAUNCH = `
cd "$1" || exit 125
shift
while [ "$1" != -- ]; do
  echo 0 >"$1" || exit 125
  shift
done
shift
LIBMOUNT_FORCE_MOUNT2=always mount --all --fstab fstab || exit 125
: >launched || exit 125
exec "$@"
`

export interface LaunchParts {
  /** The command prefix for a program in the container's network namespace. */
  readonly enter: readonly string[]
  /** The container's folder. */
  readonly folder: string
  /** Files to write a 0 to, to enter the control groups. */
  readonly doors: readonly string[]
  readonly command: readonly string[]
}

/** A file in the container's folder: that a launch has got as far as the runtime. */
export const LAUNCHED = 'launched'

/** A file in the container's folder: what is mounted, in this order, by one program. */
export const FSTAB = 'fstab'

export interface Sysfs {
  readonly place: string
  /** `machine`: the machine's own, of which no user namespace may mount another while it is in its network. */
  readonly of: 'network' | 'machine'
}

export interface LaunchMounts {
  /** Where the overlay is mounted. */
  readonly root: string
  /** How many layers there are: `l0` is the top one. */
  readonly layers: number
  /** Further options of the overlay. */
  readonly options: string
  /** Where to mount a sysfs, if at all, and whose. */
  readonly sysfs?: Sysfs
}

/**
 * The content of the file. Layers have short names (see container-files.ts), since all options of a mount have to
 * fit into one page. A machine with both versions of control groups has the unified one hidden: crun refuses to
 * start next to it. No device of an image may be used: it would be the machine's.
 */
export function fstab({ root, layers, options, sysfs }: LaunchMounts): string {
  const lower = Array.from({ length: layers }, (_, index) => `l${index}`).join(':')
  const overlay = `nodev,${options},lowerdir=${lower},upperdir=upper,workdir=work`
  return [
    line('overlay', root, overlay),
    ...(existsSync(UNIFIED) ? [line('tmpfs', UNIFIED, 'mode=755')] : []),
    ...(sysfs === undefined ? [] : [sysfsLine(sysfs)]),
  ].join('')
}

function sysfsLine({ place, of }: Sysfs): string {
  const options = 'ro,nosuid,nodev,noexec'
  return of === 'machine'
    ? line('none', place, `rbind,${options}`, '/sys')
    : line('sysfs', place, options)
}

const UNIFIED = '/sys/fs/cgroup/unified'

/** See fstab(5). */
function line(type: string, target: string, options: string, source = type): string {
  const written = target.replaceAll(
    /[\s\\]/g,
    (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return `${source} ${written} ${type} ${options} 0 0\n`
}

/** `enter` is a whole command prefix: of an ordinary user, also into a user namespace. */
export function launchCommand({
  enter,
  folder,
  doors,
  command,
}: LaunchParts): readonly [string, ...string[]] {
  const [program = '', ...rest] = [
    ...enter,
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--',
    '/bin/sh',
    '-c',
    LAUNCH,
    'narwhal',
    folder,
    ...doors,
    '--',
    ...command,
  ]
  return [program, ...rest]
}

/** Enters control groups and becomes another program. */
const ENTER = `
while [ "$1" != -- ]; do
  echo 0 >"$1" || exit 125
  shift
done
shift
exec "$@"
`

/** The command line of a program in these control groups. */
export function enterGroups(
  doors: readonly string[],
  command: readonly string[],
): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', ENTER, 'narwhal', ...doors, '--', ...command]
}
