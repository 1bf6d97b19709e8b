import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'
import { commandIn } from './command-in.ts'
import { killAllIn, mountsOf } from './mount-namespace.ts'
import { findProgram, isRoot } from './programs.ts'

const run = promisify(execFile)
const busybox = findProgram('busybox') ?? ''
const skip =
  (!isRoot() && 'only root can enter another system') ||
  (busybox === '' && 'BusyBox is not installed (apt: busybox-static)')

/** A system that is only BusyBox. */
async function tinyRoot(path: string): Promise<string> {
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'mnt', 'etc']) {
    await mkdir(`${path}/${folder}`, { recursive: true })
  }
  await cp(busybox, `${path}/bin/busybox`)
  for (const name of ['sh', 'umount', 'cat', 'ls', 'sleep']) {
    await symlink('busybox', `${path}/bin/${name}`)
  }
  await writeFile(`${path}/etc/os-release`, 'ID=tiny\n')
  return path
}

test('runs a command where another system is the root, with shared folders', { skip }, async () => {
  await using dir = await tempDir()
  const root = await tinyRoot(dir.join('root'))
  await writeFile(dir.join('here'), 'shared\n')
  const [command, ...args] = commandIn({ root }, [
    'sh',
    '-c',
    `cat /etc/os-release '${dir.join('here')}'; ls -d /mnt/* /usr; exit 3`,
  ])
  await assert.rejects(run(command, args, { cwd: dir.path }), {
    code: 3,
    stdout: 'ID=tiny\nshared\n',
  })
  assert.doesNotMatch(await readFile('/proc/self/mounts', 'utf8'), new RegExp(root))
})

test('finds programs of another system by their paths there', { skip }, async () => {
  await using dir = await tempDir()
  const root = await tinyRoot(dir.join('root'))
  assert.equal(findProgram('cat', root), '/bin/cat')
  assert.equal(findProgram('dockerd', root), undefined)
})

test('ends everything that was started there', { skip }, async () => {
  await using dir = await tempDir()
  const root = await tinyRoot(dir.join('root'))
  const [command, ...args] = commandIn({ root }, ['sh', '-c', 'sleep 1000 & sleep 1000'])
  const child = spawn(command, args, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const namespace = await eventually(async () => (await mountsOf(child.pid ?? 0)) ?? null)
  await killAllIn(namespace)
  assert.deepEqual(await exited, [null, 'SIGKILL'])
  assert.equal(await mountsOf(process.pid), undefined)
})
