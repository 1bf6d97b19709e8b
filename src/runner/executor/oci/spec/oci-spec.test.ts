import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dockerRights, strictRights } from './capabilities.ts'
import { ociSpec } from './oci-spec.ts'
import type { OciWanted } from './oci-wanted.ts'
import { OPEN_FILES } from './rlimits.ts'
import { containerUser } from './users/container-user.ts'

const MAP = { firstId: 1_879_048_192, count: 65_536 }

const WANTED: OciWanted = {
  root: '/data/root',
  args: ['/bin/sh', '-c', 'true'],
  env: ['PATH=/bin'],
  folder: '/workspace',
  user: containerUser('1000:5', {}),
  rights: strictRights(),
  hostname: 'narwhal',
  network: { kind: 'new' },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: OPEN_FILES, hard: OPEN_FILES }],
  mounts: [{ source: '/data/workspace', target: '/workspace' }],
  seccomp: { kind: 'compiled', program: new Uint8Array([1, 2, 3]) },
}

test('gives strangers few capabilities and none to gain', () => {
  const { process, linux } = ociSpec(WANTED)
  assert.equal(process.noNewPrivileges, true)
  assert.deepEqual(process.capabilities.bounding, [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_KILL',
    'CAP_SETGID',
    'CAP_SETUID',
  ])
  assert.equal(linux.uidMappings, undefined)
  assert.deepEqual(process.user, { uid: 1000, gid: 5, additionalGids: [5] })
})

test("has Docker's rights only in a user namespace of its own", () => {
  const rights = dockerRights(['WAKE_ALARM'])
  const { process, linux } = ociSpec({ ...WANTED, rights, idMap: MAP })
  assert.equal(process.noNewPrivileges, false)
  assert.equal(process.capabilities.effective.length, 15)
  assert.ok(linux.namespaces.some(({ type }) => type === 'user'))
  assert.throws(() => ociSpec({ ...WANTED, rights }), { code: 'invalid' })
})

test('maps ids in one range, and in two extents onto a map that has two', () => {
  assert.deepEqual(ociSpec({ ...WANTED, idMap: MAP }).linux.uidMappings, [
    { containerID: 0, hostID: MAP.firstId, size: 65_536 },
  ])
  assert.deepEqual(ociSpec({ ...WANTED, idMap: { ...MAP, firstId: 0 } }).linux.gidMappings, [
    { containerID: 0, hostID: 0, size: 1 },
    { containerID: 1, hostID: 1, size: 65_535 },
  ])
})

test('rejects a user whose ids the map lacks, and says which', () => {
  const user = containerUser('70000', {})
  assert.throws(() => ociSpec({ ...WANTED, user, idMap: MAP }), /id 70000.*0 to 65535/)
  assert.equal(ociSpec({ ...WANTED, user }).process.user.uid, 70_000)
})

test('says nothing of limits where there is no control group', () => {
  const { linux } = ociSpec(WANTED)
  assert.ok(!('resources' in linux) && !('cgroupsPath' in linux))
})

test('limits memory without swap, processors and processes', () => {
  const limits = { memoryBytes: 2 ** 28, cpus: 1.5, processes: 100 }
  const { linux } = ociSpec({ ...WANTED, bounds: { limits, cgroup: '/narwhal/x' } })
  assert.equal(linux.cgroupsPath, '/narwhal/x')
  assert.deepEqual(linux.resources?.memory, { limit: 2 ** 28, swap: 2 ** 28 })
  assert.deepEqual(linux.resources?.cpu, { quota: 150_000, period: 100_000 })
  assert.deepEqual(linux.resources?.pids, { limit: 100 })
  assert.deepEqual(linux.resources?.devices[0], { allow: false, access: 'rwm' })
})

test('shows the sysfs of a network that belongs to another user namespace', () => {
  const network = { kind: 'joined', sysfs: '/run/x/sys' } as const
  const { mounts, linux } = ociSpec({ ...WANTED, network, idMap: MAP })
  const sysfs = mounts.find(({ destination }) => destination === '/sys')
  assert.equal(sysfs?.source, '/run/x/sys')
  assert.ok(sysfs?.options.includes('ro'))
  assert.ok(!linux.namespaces.some(({ type }) => type === 'network'))
  const without = { ...WANTED, network: { kind: 'joined' }, idMap: MAP } as const
  assert.throws(() => ociSpec(without), { code: 'invalid' })
})

test('has one way to filter system calls', () => {
  const compiled = ociSpec(WANTED)
  assert.deepEqual(compiled.annotations, { 'run.oci.seccomp_bpf_data': 'AQID' })
  assert.equal(compiled.linux.seccomp, undefined)
  const profile = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 } as const
  const seccomp = {
    kind: 'profile',
    profile: { ...profile, architectures: [], syscalls: [] },
  } as const
  const other = ociSpec({ ...WANTED, seccomp })
  assert.equal(other.annotations, undefined)
  assert.equal(other.linux.seccomp, seccomp.profile)
})

test('mounts the container’s own files over those of the image, the job’s after them', () => {
  const names = { hosts: '/d/hosts', hostname: '/d/hostname', resolvConf: '/d/resolv.conf' }
  const { mounts } = ociSpec({ ...WANTED, names, shmBytes: 1_000 })
  const places = mounts.map(({ destination }) => destination)
  assert.deepEqual(places.slice(-4), [
    '/etc/hosts',
    '/etc/hostname',
    '/etc/resolv.conf',
    '/workspace',
  ])
  const shm = mounts.find(({ destination }) => destination === '/dev/shm')
  assert.ok(shm?.options.includes('size=1000'))
})
