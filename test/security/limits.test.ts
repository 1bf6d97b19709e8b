import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { findOwnGroup } from '../../src/runner/executor/local/bounds/machine-cgroups.ts'
import { SandboxCgroups } from '../../src/runner/executor/local/bounds/sandbox-cgroups.ts'
import {
  bubblewrapJobs,
  MIB,
  runIn,
  startIn,
  withoutBubblewrap,
} from '../support/bubblewrap-jobs.ts'
import { eventually } from '../support/eventually.ts'
import { findProcesses } from '../support/sandbox-processes.ts'
import { uniquePrefix } from '../support/services.ts'

/** What a job may use of the machine, and how it learns of a limit. */

const skipAll = await withoutBubblewrap()
const instance = uniquePrefix('limits')
const cgroups = SandboxCgroups.find(instance)
const skip = skipAll || (cgroups.missing.get('pids') ?? cgroups.missing.get('memory') ?? false)

test('RUN-03: a job over its memory limit is killed, and its log says why', {
  skip,
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open({ memoryBytes: 64 * MIB })
  const greedy = `perl -e '$x = "x" x 300_000_000; print "got it\\n"'`
  const { exitCode, note, output } = await runIn(job, greedy)
  assert.equal(exitCode, 137)
  assert.equal(note, 'out of memory: the limit is 64 MiB')
  assert.doesNotMatch(output, /got it/)
  // Reported once, and not for the next step, which fails for its own reasons.
  assert.deepEqual(await runIn(job, 'exit 3'), { exitCode: 3, output: '' })
  // Even if the shell continues after its child was killed.
  const later = await runIn(job, `${greedy} || exit 5`)
  assert.deepEqual([later.exitCode, later.note], [5, 'out of memory: the limit is 64 MiB'])
})

test('RUN-03b: the memory limit also counts many small processes together', {
  skip,
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open({ memoryBytes: 96 * MIB })
  // Ends as soon as one of them is gone.
  const many = `perl -e 'for (1 .. 6) { if (!fork) { $x = "x" . rand; $x x= 2_000_000; sleep 600 } } wait; exit 9'`
  const { note } = await runIn(job, many)
  assert.equal(note, 'out of memory: the limit is 96 MiB')
})

test('RUN-03c: a job that starts too many processes is told the limit', { skip }, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open({ processes: 32 })
  const script = `perl -e 'for (1 .. 200) { $p = fork; die "no more\\n" if !defined $p; if (!$p) { sleep 30; exit } }'`
  const { exitCode, note } = await runIn(job, script)
  assert.equal(exitCode, 11)
  assert.equal(note, 'it could not start a process: the limit is 32 (`job-processes`)')
})

test("RUN-03d: no process escapes its job's control groups, which are removed with the job", {
  skip,
}, async () => {
  await using jobs = await bubblewrapJobs()
  const before = groupsOf(jobs.instance)
  {
    await using job = await jobs.open()
    const seconds = String(600_000 + (process.pid % 100_000))
    await using _runs = await startIn(job, `echo ready; setsid sleep ${seconds}`)
    const [pid = ''] = await eventually(async () => {
      const pids = await findProcesses(seconds)
      return pids.length > 0 && pids
    })
    const inWhich = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    const ofJobs = inWhich.split('\n').filter((line) => line.includes(`narwhal-${jobs.instance}/`))
    assert.ok(ofJobs.length >= 1, inWhich)
    assert.equal((await runIn(job, 'ls /sys/fs/cgroup')).exitCode, 2)
    assert.equal(groupsOf(jobs.instance).length, before.length + 1)
  }
  assert.deepEqual(groupsOf(jobs.instance), before)
})

test('RUN-03e: processes and groups of a killed runner are removed at the next start', {
  skip,
}, async () => {
  const seconds = String(500_000 + (process.pid % 100_000))
  const groups = cgroups
  const group = groups.make('left', { memoryBytes: 64 * MIB, cpus: 1, processes: 10 })

  const enter = group.doors.map((door) => `echo 0 >${door}`).join('; ')
  spawn('/bin/sh', ['-c', `${enter}; exec setsid sleep ${seconds}`], { stdio: 'ignore' }).unref()
  await eventually(async () => assert.equal((await findProcesses(seconds)).length, 1))
  assert.equal(await groups.sweep(), 1)
  assert.deepEqual(await findProcesses(seconds), [])
  groups[Symbol.dispose]()
  for (const door of group.doors) {
    assert.throws(() => readdirSync(dirname(dirname(door))), { code: 'ENOENT' })
  }
})

test('RUN-03f: a job over its processor limit is throttled', {
  skip: skip || (cgroups.missing.get('cpu') ?? false),
}, async () => {
  await using jobs = await bubblewrapJobs()
  await using job = await jobs.open({ cpus: 0.1 })
  const busy = '(while :; do :; done) &'
  const mark = `spin${process.pid}`
  await using _runs = await startIn(job, `${busy} echo ready; exec sh -c 'sleep 600; :' ${mark}`)
  const pid = await eventually(async () => (await findProcesses(mark))[0] ?? false)
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  const group = findOwnGroup('cpu', {
    groups,
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
  })
  assert.ok(group)
  assert.ok(group.path.includes(`narwhal-${jobs.instance}/`), groups)
  // How often the kernel has throttled the group until the next period.
  await eventually(() => {
    const stat = readFileSync(join(group.path, 'cpu.stat'), 'utf8')
    assert.ok(Number(/^nr_throttled (\d+)$/m.exec(stat)?.[1]) > 0, stat)
  })
})

/** The sandboxes of one runner that have a group now. */
function groupsOf(runner: string): readonly string[] {
  return SandboxCgroups.find(runner).names()
}
