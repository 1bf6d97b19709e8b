import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { delegateController } from './delegate-controllers.ts'
import { findOwnGroup } from './machine-cgroups.ts'
import { SandboxCgroups } from './sandbox-cgroups.ts'

const V1_MOUNTS = `
25 20 0:22 / /proc rw - proc proc rw
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
`

test('on a hybrid machine the groups of version 1 are found', () => {
  const facts = { groups: '8:pids:/\n4:memory:/system/narwhal\n0::/x\n', mounts: V1_MOUNTS }
  const memory = { path: '/sys/fs/cgroup/memory/system/narwhal', version: 1 }
  assert.deepEqual(findOwnGroup('memory', facts), memory)
  assert.deepEqual(findOwnGroup('pids', facts), { path: '/sys/fs/cgroup/pids', version: 1 })
})

test('on a unified machine the group of version 2 is found, also inside a container', () => {
  const mounts = '31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup rw'
  const own = { path: '/sys/fs/cgroup/system.slice/narwhal.service', version: 2 }
  const groups = '0::/system.slice/narwhal.service\n'
  assert.deepEqual(findOwnGroup('pids', { groups, mounts }), own)
  const bound = '31 30 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw'
  const inner = { groups: '0::/docker/abc/init\n', mounts: bound }
  assert.deepEqual(findOwnGroup('memory', inner), { path: '/sys/fs/cgroup/init', version: 2 })
  assert.equal(findOwnGroup('memory', { groups: '0::/other\n', mounts: bound }), undefined)
  assert.equal(findOwnGroup('memory', { groups: '', mounts: '' }), undefined)
})

test('a group of version 2 without controllers is reported, with what a service needs', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('cgroup.controllers'), 'cpu memory\n')
  assert.throws(
    () => delegateController(dir.path, 'pids'),
    /has no pids: a service needs Delegate=yes/,
  )
})

test('a controller is enabled for child groups, and this process moves into a leaf', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('cgroup.controllers'), 'memory pids\n')
  await writeFile(dir.join('cgroup.subtree_control'), '\n')
  await writeFile(dir.join('cgroup.type'), 'domain\n')
  // Process 1 is not a child of this one.
  await writeFile(dir.join('cgroup.procs'), `1\n${process.pid}\n`)
  delegateController(dir.path, 'memory')
  assert.equal(await readFile(dir.join('cgroup.subtree_control'), 'utf8'), '+memory')
  const moved = await readFile(dir.join('narwhal-runner/cgroup.procs'), 'utf8')
  assert.equal(moved, String(process.pid))
})

test('a group without processes passes a controller on as it is', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('cgroup.controllers'), 'cpuset cpu memory pids\n')
  await writeFile(dir.join('cgroup.subtree_control'), 'memory pids\n')
  await writeFile(dir.join('cgroup.type'), 'domain\n')
  await writeFile(dir.join('cgroup.procs'), '')
  delegateController(dir.path, 'cpu')
  assert.equal(await readFile(dir.join('cgroup.subtree_control'), 'utf8'), '+cpu')
  assert.deepEqual(
    (await readdir(dir.path)).filter((name) => name.startsWith('narwhal')),
    [],
  )
})

test('limits of version 2 are written if the kernel has them, in a folder that passes them on', async () => {
  await using dir = await tempDir()
  const parent = dir.join('narwhal-r')
  await mkdir(join(parent, 'probe'), { recursive: true })
  for (const folder of [dir.path, parent]) {
    await writeFile(join(folder, 'cgroup.controllers'), 'memory pids\n')
    await writeFile(join(folder, 'cgroup.subtree_control'), '\n')
  }
  const facts = { groups: '0::/\n', mounts: `1 1 0:1 / ${dir.path} rw - cgroup2 cgroup rw` }
  const { missing } = SandboxCgroups.find('r', facts)
  // The trial ends with the removal of its folder, which only the kernel's own file system allows.
  assert.match(missing.get('pids') ?? '', /ENOTEMPTY/)
  assert.match(missing.get('cpu') ?? '', /has no cpu: a service needs Delegate=yes/)
  const read = (name: string) => readFile(join(parent, name), 'utf8')
  assert.equal(await read('probe/memory.max'), String(2 ** 30))
  assert.equal(await read('probe/pids.max'), '100')
  assert.match(await read('cgroup.subtree_control'), /^\+/)
})

test('a missing controller takes no other limit away', () => {
  const { missing } = SandboxCgroups.find('r', { groups: '', mounts: '' })
  assert.deepEqual([...missing.keys()], ['pids', 'memory', 'cpu'])
  assert.ok([...missing.values()].every((why) => why === 'this machine has no control groups'))
})
