/**
 * Starts a container: enters its control groups, makes the mounts that it needs in a mount namespace of its own,
 * and becomes the runtime. So no mount is ever seen in the machine's namespace, and none can be left there: they
 * are gone with the last process of the container.
 *
 * The arguments: the folder of the container; files to write a 0 to, up to `--`; the command.
 *
 * Layers have short names (see container-folder.ts), since all options of a mount have to fit into one page. A
 * machine with both versions of control groups has the unified one hidden: crun refuses to start beside it.
 */
const LAUNCH = `
cd "$1" || exit 125
shift
while [ "$1" != -- ]; do
  echo 0 >"$1" || exit 125
  shift
done
shift
layers=l0
number=1
while [ -e "l$number" ]; do
  layers="$layers:l$number"
  number=$((number + 1))
done
mount -t overlay -o "nodev,$NARWHAL_OVERLAY,lowerdir=$layers,upperdir=upper,workdir=work" overlay "$NARWHAL_ROOT" || exit 125
if [ -d sys ]; then mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys || exit 125; fi
if [ -d /sys/fs/cgroup/unified ]; then mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup/unified || exit 125; fi
unset NARWHAL_OVERLAY NARWHAL_ROOT
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

/** What the script needs in its environment: further options of the overlay, and where to mount it. */
export interface LaunchEnv {
  readonly NARWHAL_OVERLAY: string
  readonly NARWHAL_ROOT: string
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
