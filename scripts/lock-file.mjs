import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './node.mjs'

/**
 * The packages of a lock file that have no digest, of which npm installs whatever bytes come: `refused` are
 * those that the machine would install, `elsewhere` those of other platforms, whose digest could not be had
 * when the lock file was written.
 */
export function openInLockFile(lock, { platform, arch, libc }) {
  const refused = []
  const elsewhere = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    // The package itself, its workspaces, and the links to them have no bytes to fetch.
    if (!path.includes('node_modules/') || entry.link === true) continue
    if (!isDigest(entry.integrity)) {
      const found = `${path.replace(/^.*node_modules\//, '')}@${entry.version}`
      const isForHere =
        isFor(entry.os, platform) && isFor(entry.cpu, arch) && isFor(entry.libc, libc)
      ;(isForHere ? refused : elsewhere).push(found)
    }
  }
  return { refused, elsewhere }
}

/** SHA-1, which can be forged, is none. */
function isDigest(integrity) {
  return (
    typeof integrity === 'string' && /^sha(256|384|512)-[A-Za-z0-9+/]{40,}={0,2}$/.test(integrity)
  )
}

/** As in `os`, `cpu` and `libc` of a package: those named only, or all but those with a `!`. */
function isFor(named, one) {
  if (named === undefined) return true
  const all = [named].flat()
  if (all.includes(`!${one}`)) return false
  const wanted = all.filter((name) => !name.startsWith('!'))
  return wanted.length === 0 || wanted.includes(one) || wanted.includes('any')
}

function thisMachine() {
  const { platform, arch } = process
  const hasGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined
  return { platform, arch, libc: hasGlibc ? 'glibc' : 'musl' }
}

/** The part of `npm run check`: what is wrong, and a line to show when nothing is. */
export function checkLockFile() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const { refused, elsewhere } = openInLockFile(lock, thisMachine())
  const note =
    elsewhere.length > 0
      ? `no digest, for other platforms only (${elsewhere.length}): ${elsewhere.join(', ')}`
      : undefined
  if (refused.length === 0) return { note }
  const failure = refused.map(
    (found) => `${found} has no digest (integrity), and would be installed here as whatever comes`,
  )
  return { note, failure: failure.join('\n') }
}
