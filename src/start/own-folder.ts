import { chmodSync, readdirSync, statSync } from 'node:fs'
import { NarwhalError } from '../lib/errors.ts'

/** What a folder that Narwhal has worked in has, in whatever part. */
const OURS = ['narwhal.db', 'sealing-keys', 'claim.db', 'identity.json', 'workspaces']

const STICKY = 0o1000

/**
 * Sees to it that nobody but this process's user gets into the data folder, where mirrors of private
 * repositories and workspaces lie: shuts it, and tells so by `say`, where it is surely Narwhal's alone.
 * Throws `invalid` where it isn't, or belongs to somebody else.
 */
export function ownFolder(folder: string, say: (text: string) => void): void {
  const us = process.geteuid?.()
  if (us === undefined) return
  const { uid, mode } = statSync(folder)
  if (uid !== us) {
    // Root gets in everywhere; what matters is that others don't.
    if (uid === 0 && (mode & 0o007) === 0) return
    const words = `the data folder ${folder} belongs to user ${uid}, and this process is user ${us}: choose another folder with --data, or give it away: chown -R ${us} ${folder}`
    throw new NarwhalError('invalid', words)
  }
  if ((mode & 0o077) === 0) return
  const bits = (mode & 0o7777).toString(8).padStart(4, '0')
  if ((mode & STICKY) !== 0 || !isOurs(readdirSync(folder))) {
    const words = `others get into the data folder ${folder} (mode ${bits}), which holds more than Narwhal's files: choose a folder of its own with --data, or shut it: chmod 700 ${folder}`
    throw new NarwhalError('invalid', words)
  }
  chmodSync(folder, 0o700)
  say(`others got into the data folder ${folder} (mode ${bits}): it is its owner's alone now`)
}

/** A disk of one's own that was just made has a folder for what its repair finds. */
function isOurs(names: readonly string[]): boolean {
  const others = names.filter((name) => name !== 'lost+found')
  return others.length === 0 || OURS.some((name) => others.includes(name))
}
