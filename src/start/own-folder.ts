import { chmodSync, readdirSync, statSync } from 'node:fs'
import { NarwhalError } from '../lib/errors.ts'

/** Files of which at least one is in every folder that Narwhal has used. */
const OURS = ['narwhal.db', 'sealing-keys', 'claim.db', 'identity.json', 'workspaces']

const STICKY = 0o1000

/**
 * Restricts the data folder, with its mirrors of private repositories and workspaces, to this process's
 * user: changes its mode, and reports that by `say`, if it contains only Narwhal's files. Throws `invalid`
 * if it doesn't, or belongs to another user.
 */
export function ownFolder(folder: string, say: (text: string) => void): void {
  const us = process.geteuid?.()
  if (us === undefined) return
  const { uid, mode } = statSync(folder)
  if (uid !== us) {
    // Root can access everything; what matters is that others can't.
    if (uid === 0 && (mode & 0o007) === 0) return
    const words = `the data folder ${folder} belongs to user ${uid}, and this process runs as user ${us}: choose another folder with --data, or change its owner: chown -R ${us} ${folder}`
    throw new NarwhalError('invalid', words)
  }
  if ((mode & 0o077) === 0) return
  const bits = (mode & 0o7777).toString(8).padStart(4, '0')
  if ((mode & STICKY) !== 0 || !isOurs(readdirSync(folder))) {
    const words = `other users can access the data folder ${folder} (mode ${bits}), which contains more than Narwhal's files: choose a separate folder with --data, or restrict it: chmod 700 ${folder}`
    throw new NarwhalError('invalid', words)
  }
  chmodSync(folder, 0o700)
  say(
    `other users could access the data folder ${folder} (mode ${bits}): it is now restricted to its owner`,
  )
}

/** A newly formatted disk has a `lost+found` folder. */
function isOurs(names: readonly string[]): boolean {
  const others = names.filter((name) => name !== 'lost+found')
  return others.length === 0 || OURS.some((name) => others.includes(name))
}
