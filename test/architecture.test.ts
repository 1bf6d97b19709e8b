import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '..')
const src = join(root, 'src')

/** The import table of ARCHITECTURE.md: folder → the folders it may import; undefined: all. */
function readTable(): Map<string, Set<string> | undefined> {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const table = new Map<string, Set<string> | undefined>()
  const rows = text
    .slice(text.indexOf('| folder | may import |'))
    .matchAll(/^\| `([\w.-]+)` \| (.+) \|$/gm)
  for (const [, folder = '', allowed = ''] of rows) {
    const names = [...allowed.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)
    table.set(folder, allowed.startsWith('everything') ? undefined : new Set(names))
  }
  return table
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Imports of our own files, also of types and of the dynamic kind. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(/(?:from|import\(|^import)\s*['"](\.[^'"]+|#root\/[^'"]+)['"]/gm)
  return [...found].map(([, path = '']) =>
    path.startsWith('#root/')
      ? join(root, path.slice('#root/'.length))
      : resolve(dirname(file), path),
  )
}

function folderOf(file: string): string {
  return relative(src, file).split('/')[0] ?? ''
}

const isTest = (file: string): boolean => /\.(test|contract)\.ts$|fixtures?\.ts$/.test(file)

/** Folders of `src` whose rooms are the folders in them; every other one is a room itself. */
const DIVIDED = ['agent', 'api', 'contract', 'core', 'dispatcher', 'lib', 'runner']

test('ARCHITECTURE.md names every room once, on the path of a commit or off it', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const walk = text.slice(text.indexOf('## The path of a commit'), text.indexOf('## State'))
  const foldersIn = (folder: string): string[] =>
    readdirSync(join(src, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name))
  const rooms = foldersIn('.').flatMap((one) => (DIVIDED.includes(one) ? foldersIn(one) : [one]))
  assert.ok(rooms.length > 60)
  for (const room of rooms) assert.equal(walk.split(`\`${room}\``).length - 1, 1, room)
})

test('every folder imports only what the table in ARCHITECTURE.md allows', () => {
  const table = readTable()
  const breaches: string[] = []
  for (const file of listFiles(src).filter((one) => !isTest(one))) {
    const folder = folderOf(file)
    assert.ok(table.has(folder), `${folder} is missing in the table of ARCHITECTURE.md`)
    const allowed = table.get(folder)
    for (const target of importsOf(file)) {
      const imported = folderOf(target)
      const inside = target.startsWith(`${src}/`)
      const fine = inside && (imported === folder || !allowed || allowed.has(imported))
      const isMain = imported === 'main.ts'
      if (!fine || isMain) breaches.push(`${relative(root, file)} → ${relative(root, target)}`)
    }
  }
  assert.deepEqual(breaches, [])
})

/** Every circle of files that import one another, each once; each file is looked at once. */
function circlesIn(folder: string): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (file: string): void => {
    const start = way.indexOf(file)
    if (start >= 0) circles.push(way.slice(start).map(toRoot).join(' → '))
    if (start >= 0 || done.has(file) || !file.startsWith(folder)) return
    way.push(file)
    for (const target of importsOf(file)) if (/\.tsx?$/.test(target)) visit(target)
    way.pop()
    done.add(file)
  }
  for (const file of listFiles(folder)) visit(file)
  return circles
}

const toRoot = (file: string): string => relative(root, file)

test('no files import one another in a circle, nor types only', () => {
  for (const folder of [src, join(root, 'ui', 'src'), join(root, 'test'), join(root, 'bench')]) {
    assert.deepEqual(circlesIn(folder), [])
  }
})

/** How many source files a room may have before it is two rooms; migrations are one list, in order. */
const MOST_FILES = 20
const LISTS = ['src/store/migrations']

test('no folder has more source files than one sees at a glance', () => {
  const counts = new Map<string, number>()
  for (const file of [...listFiles(src), ...listFiles(join(root, 'ui', 'src'))]) {
    if (isTest(file)) continue
    const folder = relative(root, dirname(file))
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  const full = [...counts].filter(
    ([folder, count]) => count > MOST_FILES && !LISTS.includes(folder),
  )
  assert.deepEqual(full, [])
})

test('the table names no folder that is gone', () => {
  const folders = new Set(readdirSync(src))
  for (const folder of readTable().keys()) assert.ok(folders.has(folder), folder)
})

test('core knows no library and no clock', () => {
  for (const file of listFiles(join(src, 'core')).filter((one) => !isTest(one))) {
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /from '[^.]/, `${file} imports a library`)
    assert.doesNotMatch(
      text,
      /Date\.now|new Date\(\)|Math\.random|process\./,
      `${file} is not pure`,
    )
  }
})

/** Where the service is bound: a client to a connection, answers to a server. */
const BINDINGS = [
  'src/dispatcher/runners/runner-client.ts',
  'src/dispatcher/runners/runner-members.ts',
  'src/runner/link/in-process.ts',
  'src/runner/link/rpc-service.ts',
]

test('nothing generated leaves the contract but the service, where it is bound', () => {
  const gen = join(src, 'contract', 'gen')
  const found: string[] = []
  for (const file of listFiles(src).filter((one) => !isTest(one))) {
    if (folderOf(file) === 'contract') continue
    if (!importsOf(file).some((target) => target.startsWith(`${gen}/`))) continue
    found.push(relative(root, file))
    const imports = readFileSync(file, 'utf8').matchAll(/^.*\/contract\/gen\/.*$/gm)
    for (const [line] of imports) assert.match(line, /^import \{ RunnerService \} from /, file)
  }
  assert.deepEqual(found.toSorted(), BINDINGS)
})

test('process.env is read in one place', () => {
  for (const file of listFiles(src).filter((one) => !isTest(one))) {
    if (relative(src, file) === 'config/env.ts') continue
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    assert.doesNotMatch(code, /process\.env/, relative(root, file))
  }
})

test('git is started in one place, which hardens it', () => {
  for (const file of listFiles(src).filter((one) => !isTest(one))) {
    if (relative(src, file) === 'lib/git/git.ts') continue
    const text = readFileSync(file, 'utf8')
    if (!text.includes("'node:child_process'")) continue
    assert.doesNotMatch(text, /['"`]git['"`]/, relative(root, file))
  }
})

/** Of what is not only types: `import {` or `import x`, and `export … from`. */
function valueImportsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(/^(?:import|export) (?!type)[^'"]*?from ['"]([^'"]+)['"]/gm)
  return [...found].map(([, path = '']) => path)
}

/** Whether loading the file loads no package. */
function isBare(file: string): boolean {
  return valueImportsOf(file).every(
    (path) => path.startsWith('.') && isBare(resolve(dirname(file), path)),
  )
}

test('the page imports of the server only contract and core: types, and what needs no package', () => {
  const ui = join(root, 'ui', 'src')
  for (const file of listFiles(ui).filter((one) => !isTest(one))) {
    const values = valueImportsOf(file).map((path) => resolve(dirname(file), path))
    for (const target of importsOf(file).filter((one) => !one.startsWith(`${ui}/`))) {
      const words = `${relative(root, file)} → ${relative(root, target)}`
      assert.ok(['contract', 'core'].includes(folderOf(target) ?? ''), words)
      assert.ok(!values.includes(target) || isBare(target), `${words} brings packages`)
    }
  }
})
