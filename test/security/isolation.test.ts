import assert from 'node:assert/strict'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { bubblewrapJobs, runIn, startIn, withoutBubblewrap } from '../support/bubblewrap-jobs.ts'
import { callNumbers } from '../support/call-numbers.ts'

/** What a job in bubblewrap could do to other jobs, to other users of the machine, and to its kernel. */

const skip = await withoutBubblewrap()
const isRoot = process.getuid?.() === 0
const skipAsUser = skip || (isRoot ? false : 'only a runner that is root has users to give')

const EPERM = 1
const ENOSYS = 38

/** Perl can make any system call by number; it prints the name, and the error or 0. */
function callsInPerl(
  calls: readonly (readonly [name: string, number: number, ...args: string[]])[],
) {
  const lines = calls.map(([name, number, ...args]) => {
    const all = [number, ...args].join(', ')
    return `$! = 0; $r = syscall(${all}); print "${name} ", ($r < 0 ? $!+0 : 0), "\\n";`
  })
  // Perl passes only strings that it may modify.
  const texts = '$user = "user"; $canary = "narwhal-canary"; $sesame = "sesame";'
  return `perl -e '${texts}\n${lines.join('\n')}'`
}

test('SEC-10: each sandbox of a root runner has a user of its own, with a name', {
  skip: skipAsUser,
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using one = await jobs.open()
  await using other = await jobs.open()
  const [first, second] = [await runIn(one, 'id -u; id -un'), await runIn(other, 'id -u; id -un')]
  assert.match(first.output, /^\d+\nnarwhal\n$/)
  assert.match(second.output, /^\d+\nnarwhal\n$/)
  assert.notEqual(first.output, second.output)
  assert.doesNotMatch(first.output + second.output, /^(0|65534)$/m)
})

test('SEC-10b: a job at its process limit does not affect another', { skip }, async () => {
  await using jobs = await bubblewrapJobs()
  await using hog = await jobs.open({ processes: 64 })
  await using victim = await jobs.open({ processes: 64 })
  const hogging = `perl -e 'while (defined($p = fork)) { if (!$p) { sleep 600; exit } } $| = 1; print "ready\\n"; sleep 600'`
  await using _hogging = isRoot ? await startIn(hog, hogging) : undefined
  const { exitCode, output } = await runIn(
    victim,
    'for i in 1 2 3 4 5 6 7 8; do sh -c "echo fine" & done; wait',
  )
  assert.equal(exitCode, 0, output)
  assert.equal(output, 'fine\n'.repeat(8))
})

test("SEC-11: a key left by one job can't be read by another, and keyrings are closed", {
  skip,
}, async () => {
  await using jobs = await bubblewrapJobs()
  const { number } = callNumbers()
  // To the keyring of the user (-4) and of the session (-3), which outlive processes.
  const leave = callsInPerl([
    ['add', number('add_key'), '$user', '$canary', '$sesame', '6', '-4'],
    ['session', number('add_key'), '$user', '$canary', '$sesame', '6', '-3'],
    ['join', number('keyctl'), '1', '0'],
  ])
  const find = callsInPerl([
    ['user', number('keyctl'), '10', '-4', '$user', '$canary', '0'],
    ['request', number('request_key'), '$user', '$canary', '0', '0'],
  ])
  {
    await using earlier = await jobs.open()
    assert.equal((await runIn(earlier, leave)).output, 'add 1\nsession 1\njoin 1\n')
  }
  await using later = await jobs.open()
  assert.equal((await runIn(later, find)).output, 'user 1\nrequest 1\n')
})

test('SEC-11b: dangerous system calls are rejected as by Docker', {
  skip,
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open()
  const { refused, number, isX64 } = callNumbers()
  const status = await runIn(job, 'grep Seccomp: /proc/self/status')
  assert.match(status.output, /^Seccomp:\t2$/m)
  const known = refused.map(([name, nr]) => [name, nr, '0', '0', '0', '0', '0'] as const)
  const told = await runIn(
    job,
    callsInPerl([
      ...known,
      ['vsock', number('socket'), '40', '1', '0'],
      ['inet', number('socket'), '2', '1', '0'],
      ['clone3', number('clone3'), '0', '0'],
      ['newer', 9_999, '0'],
      ['personality', number('personality'), '0xffffffff'],
      ['norandom', number('personality'), '0x40000'],
      ...(isX64 ? ([['x32', 0x40000000 + 39]] as const) : []),
    ]),
  )
  const wanted = [
    ...known.map(([name]) => `${name} ${EPERM}`),
    `vsock ${EPERM}`,
    'inet 0',
    `clone3 ${ENOSYS}`,
    `newer ${ENOSYS}`,
    'personality 0',
    `norandom ${EPERM}`,
    ...(isX64 ? [`x32 ${ENOSYS}`] : []),
  ]
  assert.deepEqual(told.output.trim().split('\n'), wanted)
})

test("SEC-11c: a job can't create namespaces, by any call", { skip }, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open()
  const { number } = callNumbers()
  for (const [name, flag] of Object.entries({
    user: 0x10000000,
    mount: 0x20000,
    net: 0x40000000,
    pid: 0x20000000,
    cgroup: 0x2000000,
    uts: 0x4000000,
    ipc: 0x8000000,
  })) {
    // 17: SIGCHLD. A child would print, too.
    const script = callsInPerl([
      [name, number('unshare'), String(flag)],
      ['clone', number('clone'), String(flag + 17), '0', '0', '0', '0'],
    ])
    assert.equal((await runIn(job, script)).output, `${name} 1\nclone 1\n`)
  }
  assert.notEqual((await runIn(job, 'unshare -Ur true')).exitCode, 0)
})

test('SEC-11d: a call of another architecture does not bypass the filter', { skip }, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open()
  if (process.arch !== 'x64') return
  // Of a 32-bit program: mov $1,%eax; mov $7,%ebx; int $0x80, which is exit(7).
  await writeFile(jobs.dir.join('workspace-1', 'small'), smallProgram(), { mode: 0o755 })
  const { exitCode } = await runIn(job, './small')
  // SIGSYS, or a kernel that can't run such a program.
  assert.ok([128 + 31, 126].includes(exitCode), String(exitCode))
})

test('SEC-11e: what programs need is allowed: threads, ptrace, sockets, memory', {
  skip,
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open()
  const perl = `perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die; pipe(C, D) or die; print "sockets\\n"'`
  const node = `${process.execPath} -e 'new (require("node:worker_threads").Worker)("console.log(require(\\"os\\").userInfo().homedir)", { eval: true })'`
  await using withNode = await jobs.open()
  assert.equal((await runIn(job, perl)).output, 'sockets\n')
  // If this Node is visible inside.
  const seen = await runIn(
    withNode,
    `${process.execPath} -v >/dev/null 2>&1 && ${node} || echo /home/narwhal`,
  )
  assert.equal(seen.output, isRoot ? '/home/narwhal\n' : seen.output)
  const { exitCode } = await runIn(
    job,
    'command -v strace >/dev/null || exit 0; strace -o /tmp/s true',
  )
  assert.equal(exitCode, 0)
})

test('SEC-15: scratch folders are closed to other users of the machine', {
  skip: skipAsUser,
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open()
  await runIn(job, 'echo secret >/tmp/mine; echo secret >/dev/shm/mine')
  const folders = await readdir(jobs.dir.join('sandboxes'))
  assert.ok(folders.some((name) => name.startsWith('narwhal-sandbox-')))
  for (const name of folders) {
    const { mode, uid } = await stat(jobs.dir.join('sandboxes', name))
    assert.equal(mode & 0o077, 0, name)
    assert.equal(uid, 0)
  }
  assert.equal((await stat(jobs.dir.join('sandboxes'))).mode & 0o077, 0)
})

function smallProgram(): Uint8Array {
  const code = [0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80]
  const bytes = new DataView(new ArrayBuffer(84 + code.length))
  const address = 0x08048000
  const words: readonly (readonly [at: number, value: number])[] = [
    [0, 0x464c457f],
    [4, 0x00010101],
    [16, 0x00030002],
    [20, 1],
    [24, address + 84],
    [28, 52],
    [40, 0x00200034],
    [44, 1],
    [52, 1],
    [56, 0],
    [60, address],
    [64, address],
    [68, 84 + code.length],
    [72, 84 + code.length],
    [76, 5],
    [80, 0x1000],
  ]
  for (const [at, value] of words) bytes.setUint32(at, value, true)
  for (const [index, byte] of code.entries()) bytes.setUint8(84 + index, byte)
  return new Uint8Array(bytes.buffer)
}
