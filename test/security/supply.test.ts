import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openInLockFile } from '../../scripts/lock-file.mjs'
import { exists } from '../../src/lib/exists.ts'
import { type TempDir, tempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const here = { platform: 'linux', arch: 'x64', libc: 'glibc' }

async function lockFile(): Promise<{ packages: Record<string, { integrity?: string }> }> {
  return JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
}

test('SEC-19: the Node that runs Narwhal comes from a package with a locked digest', async () => {
  const [folder = ''] = (await realpath(join(root, 'node_modules/.bin/node'))).split('/bin/node')
  const name = folder.slice(root.length + 1)
  assert.match(name, /^node_modules\/node-linux-(x64|arm64)$/)
  const { packages } = await lockFile()
  assert.match(packages[name]?.integrity ?? '', /^sha512-/)
  assert.deepEqual(
    Object.keys(packages).filter((path) => /node_modules\/node(-bin-setup)?$/.test(path)),
    [],
  )
})

test('SEC-19b: on each platform with a bundled Node, everything has a digest', async () => {
  const lock = await lockFile()
  for (const arch of ['x64', 'arm64']) {
    assert.deepEqual(openInLockFile(lock, { ...here, arch }).refused, [])
  }
})

/** A checkout with the real set-up, whose only dependency has an install script. */
async function withGreedyPackage(dir: TempDir): Promise<void> {
  await cp(join(root, 'scripts'), dir.join('scripts'), { recursive: true })
  await cp(join(root, '.npmrc'), dir.join('.npmrc'))
  await mkdir(dir.join('greedy'))
  await mkdir(dir.join('src'))
  const script = 'touch ../ran; touch ../../ran'
  const scripts = { preinstall: script, install: script, postinstall: script, prepare: script }
  await writeFile(
    dir.join('greedy/package.json'),
    JSON.stringify({ name: 'greedy', version: '1.0.0', scripts }),
  )
  await writeFile(
    dir.join('package.json'),
    JSON.stringify({ name: 'checkout', dependencies: { greedy: 'file:greedy' }, scripts }),
  )
}

async function marks(dir: TempDir): Promise<boolean> {
  return (await exists(dir.join('ran'))) || (await exists(dir.join('../ran')))
}

test('SUP-01: install scripts of packages are not run by the set-up, or by a manual npm', async () => {
  await using parent = await tempDir()
  const dir: TempDir = {
    ...parent,
    path: parent.join('a'),
    join: (name) => parent.join(`a/${name}`),
  }
  await mkdir(dir.path)
  await withGreedyPackage(dir)
  const npm = (...args: string[]): Promise<unknown> =>
    run('npm', [...args, '--offline', '--no-audit'], { cwd: dir.path })
  await npm('install')
  await npm('ci')
  await run(process.execPath, ['scripts/setup.mjs'], { cwd: dir.path })
  assert.equal(await exists(dir.join('node_modules/greedy/package.json')), true)
  assert.equal(await marks(dir), false)
  // The script would have been run.
  await npm('ci', '--ignore-scripts=false')
  assert.equal(await marks(dir), true)
})

test('SUP-02: a package without a digest is rejected if it would be installed, else reported', () => {
  const lock = {
    packages: {
      '': { name: 'narwhal' },
      ui: { version: '1.0.0' },
      'node_modules/ui': { resolved: 'ui', link: true },
      'node_modules/whole': { version: '1.0.0', integrity: `sha512-${'a'.repeat(86)}==` },
      'node_modules/weak': { version: '1.0.0', integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
      'node_modules/bare': { version: '2.0.0' },
      'node_modules/a/node_modules/@scope/deep': { version: '3.0.0', resolved: 'git+ssh://a/b' },
      'node_modules/here': { version: '1.0.0', os: ['linux'], cpu: 'x64', optional: true },
      'node_modules/not-windows': { version: '1.0.0', os: ['!win32'] },
      'node_modules/musl': { version: '1.0.0', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
      'node_modules/mac': { version: '1.0.0', os: ['darwin'], cpu: ['x64'] },
      'node_modules/arm': { version: '1.0.0', os: ['linux'], cpu: ['arm64'] },
      'node_modules/not-linux': { version: '1.0.0', os: ['!linux'] },
    },
  }
  assert.deepEqual(openInLockFile(lock, here), {
    refused: ['weak@1.0.0', 'bare@2.0.0', '@scope/deep@3.0.0', 'here@1.0.0', 'not-windows@1.0.0'],
    elsewhere: ['musl@1.0.0', 'mac@1.0.0', 'arm@1.0.0', 'not-linux@1.0.0'],
  })
})

test('SUP-03: the set-up links the Node that npm has installed without a link', async () => {
  await using dir = await tempDir()
  await cp(join(root, 'scripts'), dir.join('scripts'), { recursive: true })
  await writeFile(dir.join('package.json'), JSON.stringify({ name: 'checkout' }))
  for (const name of ['package-lock.json', 'node_modules/.package-lock.json']) {
    await mkdir(dir.join('node_modules/.bin'), { recursive: true })
    await writeFile(dir.join(name), JSON.stringify({ packages: {} }))
  }
  const program = dir.join(`node_modules/node-${process.platform}-${process.arch}/bin/node`)
  await mkdir(join(program, '..'), { recursive: true })
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 })
  await run(process.execPath, ['scripts/setup.mjs'], { cwd: dir.path })
  assert.equal(await realpath(dir.join('node_modules/.bin/node')), await realpath(program))
})
