import { lstat, mkdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../../lib/errors.ts'

/** With which rights the files of layers are written, read and removed. */
export interface Rights {
  /**
   * Put in front of a command: it enters the user namespace in which an ordinary user has the ids of an
   * image; empty for root.
   */
  readonly enter: readonly [string, ...string[]] | readonly []
  readonly isRoot: boolean
}

/** Where programs and their libraries are. */
const FOLDERS = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']

/**
 * Makes the folder in which GNU tar runs, with the folders of its program to be mounted there. It can be
 * shared by all who unpack; nothing is ever written in it.
 */
export async function makeRoom(room: string): Promise<void> {
  await mkdir(join(room, 'layer'), { recursive: true })
  for (const name of FOLDERS) {
    const found = await lstat(`/${name}`).catch(() => undefined)
    const made = found?.isSymbolicLink()
      ? symlink(await readlink(`/${name}`), join(room, name))
      : found && mkdir(join(room, name), { recursive: true })
    await Promise.resolve(made).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
  }
}

/**
 * In a mount namespace of its own, tar's root is the room: it sees its program, read-only, and the layer's
 * folder. A name or a link that got past our checks still leads nowhere else.
 */
const ENTER = `
room=$1 layer=$2 ro=$3
[ -z "$ro" ] || mount --bind -o ro "$room" "$room"
for one in ${FOLDERS.join(' ')}; do
  if [ -d "$room/$one" ] && [ ! -L "$room/$one" ]; then
    mount --bind \${ro:+-o ro} "/$one" "$room/$one"
  fi
done
mount --bind "$layer" "$room/layer"
`

const TAR = [
  'tar --extract --file=- --directory=/layer --absolute-names --numeric-owner',
  "--same-owner --same-permissions --xattrs '--xattrs-include=*' --delay-directory-restore",
  '--warning=no-timestamp',
].join(' ')

/** Two archives, since the second may describe again what the first has made. */
const UNPACK = `${ENTER}
chroot "$room" ${TAR} --unlink-first --recursive-unlink
exec chroot "$room" ${TAR} <&3
`

/** The command that unpacks the archive of its standard input, then that of descriptor 3, into a folder. */
export function unpackCommand(
  { enter, isRoot }: Rights,
  room: string,
  folder: string,
): [string, ...string[]] {
  const apart = ['unshare', '--mount', '--propagation', 'private', '--'] as const
  const script = ['sh', '-ec', UNPACK, 'unpack', room, folder, isRoot ? 'ro' : '']
  const [first, ...rest] = [...enter, ...apart, ...script]
  return [first ?? 'unshare', ...rest]
}
