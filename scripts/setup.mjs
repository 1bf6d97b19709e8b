import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compile, isCompiled } from './compile.mjs'
import { modernNode, root, toolEnv } from './node.mjs'

/**
 * Brings the checkout up to date: its dependencies, with `ui` the built pages, and with `server` the
 * compiled server, which is made anew only here: with older ones the sources are run. What is fresh
 * already costs some milliseconds. Runs on any Node >= 20 with nothing installed.
 */
export async function setUp({ ui, server = false }) {
  if (!dependenciesAreFresh()) {
    await alone(async () => {
      if (dependenciesAreFresh()) return
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier']
      await quietly('Installing dependencies (npm ci), once', 'npm', args, plainEnv())
    })
  }
  if (!existsSync(OWN_NODE) && existsSync(NODE_PACKAGE)) await alone(linkNode)
  modernNode()
  if (ui && !uiIsFresh()) {
    await alone(async () => {
      if (uiIsFresh()) return
      await quietly('Building the pages', 'npm', ['run', 'build', '--workspace', 'ui'], toolEnv())
      writeFileSync(UI_MARKER, uiHash())
    })
  }
  if (server && existsSync(join(root, 'node_modules/esbuild')) && !isCompiled()) {
    await alone(async () => {
      if (!isCompiled()) await compile(join(root, 'dist'))
    })
  }
}

const OWN_NODE = join(root, 'node_modules/.bin/node')
const NODE_PACKAGE = join(root, `node_modules/node-${process.platform}-${process.arch}/bin/node`)

/**
 * npm 9 links the Node of this machine, and then takes the link away together with the package of the
 * other machines, whose program has the same name.
 */
function linkNode() {
  if (existsSync(OWN_NODE)) return
  rmSync(OWN_NODE, { force: true })
  symlinkSync(relative(dirname(OWN_NODE), NODE_PACKAGE), OWN_NODE)
}

/**
 * npm writes down at the very end what it has installed: the same packages as the lock file says, but
 * for those that are optional and meant for other machines.
 */
function dependenciesAreFresh() {
  const installed = readJson('node_modules/.package-lock.json')
  if (!installed) return false
  const { packages } = readJson('package-lock.json')
  return Object.entries(packages).every(([path, wanted]) => {
    const found = installed.packages[path]
    if (!found) return path === '' || !path.includes('node_modules/') || wanted.optional === true
    return found.version === wanted.version && found.integrity === wanted.integrity
  })
}

function readJson(path) {
  const file = join(root, path)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

const UI_MARKER = join(root, 'ui/dist/.built-from')

function uiIsFresh() {
  if (!existsSync(join(root, 'ui/vite.config.ts'))) return true
  return existsSync(UI_MARKER) && readFileSync(UI_MARKER, 'utf8') === uiHash()
}

/** Of everything the pages are made of. */
function uiHash() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  for (const folder of ['ui', 'src/contract', 'src/core']) {
    for (const file of filesBelow(join(root, folder))) hash.update(file).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function filesBelow(folder) {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []
  return entries
    .filter((entry) => !['node_modules', 'dist'].includes(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : []
    })
}

/** `npm ci` empties node_modules: whatever runs meanwhile must not find its own Node there. */
function plainEnv() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const others = folders.filter((folder) => !folder.startsWith(join(root, 'node_modules')))
  return { ...process.env, PATH: others.join(delimiter) }
}

/** Runs a command behind one line; its output is shown only when it fails. */
async function quietly(what, command, args, env) {
  const startedAt = Date.now()
  process.stderr.write(`${what} …`)
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => output.push(data))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code === 0) {
    process.stderr.write(` ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`)
  } else {
    process.stderr.write(`\n${Buffer.concat(output)}`)
    throw new Error(`${command} ${args.join(' ')} failed with ${code}; its output is above`)
  }
}

/** One set-up of a checkout at a time; the lock of a process that is gone counts for nothing. */
async function alone(work) {
  const lock = join(
    tmpdir(),
    `narwhal-set-up-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`,
  )
  while (!take(lock)) await new Promise((resolve) => setTimeout(resolve, 200))
  try {
    await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function take(lock) {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (!holderIsAlive(lock)) rmSync(lock, { recursive: true, force: true })
  return false
}

function holderIsAlive(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return true
  } catch (error) {
    // No pid in it yet: it has just been taken. Not ours to signal: it is alive.
    return error.code === 'ENOENT' || error.code === 'EPERM'
  }
}

/** For the scripts: what goes wrong is for people, without a stack. */
export async function main(work) {
  try {
    process.exitCode = await work()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => setUp({ ui: true, server: true }))
}
