import { tmpdir } from 'node:os'
import { findProgram } from './programs.ts'

/** Where and as whom a program runs. */
export interface Place {
  /** A folder with another system, which becomes the program's root; absent: this machine's own. */
  readonly root?: string
  /** Folders of this machine that are seen there as well, at the same paths; the temporary one always is. */
  readonly shared?: readonly string[]
  /** Whether it has a network of its own, with nothing but loopback; only in another root. */
  readonly ownNetwork?: boolean
  /** Name of the user there; only root can choose. */
  readonly user?: string
  /** The signal that the kernel sends it when this process is killed. */
  readonly endedBy?: NodeJS.Signals
}

/**
 * Enters the folder in a mount namespace of its own, which ends with the last process in it. Not by chroot:
 * container engines can't make the root of a container where their own is no mount.
 */
const ENTER = `
set -eu
dir=$(pwd) root=$1; shift
mount --rbind "$root" "$root"
cd "$root"
for one in /dev /proc /sys; do mount --rbind "$one" ".$one"; done
while [ "$1" != -- ]; do
  mkdir -p ".$1"
  mount --rbind "$1" ".$1"
  shift
done
shift
pivot_root . mnt
umount -l /mnt
cd "$dir" 2>/dev/null || cd /
exec "$@"
`

/** The command line that runs a command in its place; it becomes that command, so it has its process id. */
export function commandIn(place: Place, command: readonly string[]): [string, ...string[]] {
  const { root, shared = [], ownNetwork = false } = place
  const [first = '', ...rest] = [...asUser(place), ...command]
  if (root === undefined) return [first, ...rest]
  const apart = ['--mount', '--propagation', 'slave', ...(ownNetwork ? ['--net'] : [])]
  const script = ownNetwork ? `ip link set lo up\n${ENTER}` : ENTER
  const enter = [...apart, 'sh', '-c', script, 'enter', root]
  return ['unshare', ...enter, tmpdir(), ...shared, '--', first, ...rest]
}

function asUser({ root, user, endedBy }: Place): readonly string[] {
  const setpriv = findProgram('setpriv', root)
  if (!setpriv) return user ? ['runuser', '-u', user, '--'] : []
  const end = endedBy ? [`--pdeathsig=${endedBy.slice(3)}`] : []
  const who = user ? [`--reuid=${user}`, `--regid=${user}`, '--init-groups'] : []
  return end.length + who.length > 0 ? [setpriv, ...end, ...who] : []
}
