import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { CONTAINER_IDS } from '../../src/core/container-ids.ts'
import { ociStages, partsOf } from '../../src/runner/executor/oci/oci-stage.fixture.ts'
import { runIn, startIn } from '../support/bubblewrap-jobs.ts'
import { callNumbers } from '../support/call-numbers.ts'
import { eventually } from '../support/eventually.ts'
import { ociJobs, runBeside } from '../support/oci-jobs.ts'
import { findProcesses } from '../support/sandbox-processes.ts'

/** What a job in containers without an engine could do to other jobs, to the machine's users, and to its kernel. */

const run = promisify(execFile)
const EPERM = -1
const ENOSYS = -38
const MIB = 1024 ** 2
/** Of namespaces: mount, cgroup, uts, ipc, user, pid, net. */
const KINDS = [17, 25, 26, 27, 28, 29, 30].map((bit) => 2 ** bit)

for (const stage of await ociStages()) {
  const { name, skip } = stage
  const by = `in a container of ${name}`
  const isX64 = process.arch === 'x64'

  test(`SEC-10: root ${by} is nobody on the machine, and strangers' root too`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    for (const isStranger of [false, true]) {
      await using job = await jobs.open({}, { isStranger })
      const seconds = String(610_000 + (process.pid % 100_000))
      await using _runs = await startIn(job, `id -u; echo ready; sleep ${seconds}`)
      const pid = await eventually(async () => (await findProcesses(seconds))[0] ?? false)
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      const [, uid = ''] = /^Uid:\t(\d+)/m.exec(status) ?? []
      assert.ok(Number(uid) >= 1_000_000, status)
      // No user of this machine is given by that id.
      await assert.rejects(run('getent', ['passwd', uid]))
    }
  })

  test(`SEC-10b: a job at its process limit ${by} does not affect another`, { skip }, async () => {
    await using jobs = await ociJobs(stage)
    await using hog = await jobs.open({ processes: 64 })
    await using victim = await jobs.open({ processes: 64 })
    const full = 'i=0; while [ $i -lt 100 ]; do sleep 600 & i=$((i + 1)); done'
    const hogging = `set +e; (${full}) 2>/dev/null; echo ready; while :; do :; done`
    await using _hogging = await startIn(hog, hogging)
    const many = 'for i in 1 2 3 4 5 6 7 8; do sh -c "echo fine" & done; wait'
    assert.equal((await runIn(victim, many)).output, 'fine\n'.repeat(8))
  })

  test(`SEC-11: keyrings are closed ${by}`, { skip }, async () => {
    await using jobs = await ociJobs(stage)
    const { number } = callNumbers()
    const calls = ['add_key', 'request_key', 'keyctl'].map((one) => ({ number: number(one) }))
    for (const isStranger of [false, true]) {
      await using job = await jobs.open({}, { isStranger })
      assert.deepEqual(await jobs.call(job, calls), [EPERM, EPERM, EPERM])
    }
  })

  test(`SEC-11b: dangerous system calls are rejected ${by}, unknown ones are not there`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    const { refused, number } = callNumbers()
    for (const isStranger of [false, true]) {
      await using job = await jobs.open({}, { isStranger })
      assert.match((await runIn(job, 'grep Seccomp: /proc/self/status')).output, /^Seccomp:\t2$/m)
      const calls = [
        ...refused.map(([, nr]) => ({ number: nr })),
        // vsock, by which a virtual machine talks to its host.
        { number: number('socket'), argument: 40 },
        { number: number('clone3') },
        { number: 9_999 },
        { number: number('personality'), argument: 0x40000 },
        ...(isX64 ? [{ number: 0x40000000 + 39 }] : []),
      ]
      const results = await jobs.call(job, calls)
      const wanted = [EPERM, ENOSYS, ENOSYS, EPERM, ...(isX64 ? [ENOSYS] : [])]
      assert.deepEqual(results, [...refused.map(() => EPERM), ...wanted])
    }
  })

  test(`SEC-11c: a job ${by} can't create namespaces, by any call`, { skip }, async () => {
    await using jobs = await ociJobs(stage)
    const { number } = callNumbers()
    await using job = await jobs.open()
    const calls = KINDS.flatMap((argument) => [
      { number: number('unshare'), argument },
      { number: number('clone'), argument },
    ])
    assert.deepEqual(
      await jobs.call(job, calls),
      calls.map(() => EPERM),
    )
    assert.notEqual((await runIn(job, 'unshare -Ur true')).exitCode, 0)
  })

  test(`SEC-11d: a 32-bit program ${by} does not bypass the filter`, {
    skip: skip || (isX64 ? false : 'only x64 has such programs'),
  }, async () => {
    await using jobs = await ociJobs(stage)
    await using job = await jobs.open()
    // getpid, so that the others are known to be made; mount, umount, stime, swapoff, unshare.
    const numbers = [20, 21, 22, 25, 115, 310]
    const results = await jobs.call(
      job,
      numbers.map((number) => ({ number, as32: true as const })),
    )
    assert.ok((results[0] ?? 0) > 0)
    assert.deepEqual(results.slice(1), [EPERM, EPERM, EPERM, EPERM, EPERM])
  })

  test(`SEC-15: the files of jobs ${by} are closed to other users of the machine`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    await using job = await jobs.open()
    await runIn(job, 'for at in /tmp /root /dev/shm /workspace; do echo secret >$at/mine; done')
    const look = 'for at in "$@"; do find "$at" -name mine 2>/dev/null; done; :'
    const places = [jobs.folder, join('/run', jobs.instance)]
    const found = async (who: readonly string[]): Promise<string> => {
      const [command = '', ...args] = [...who, 'sh', '-c', look, 'sh', ...places]
      return (await run(command, args)).stdout
    }
    // Who sees nothing anyway proves nothing.
    assert.match(await found([]), /mine/)
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    assert.equal(await found(nobody), '')
    // Nor as the one that root is outside.
    const root = String(CONTAINER_IDS.first)
    const outside = ['setpriv', `--reuid=${root}`, `--regid=${root}`, '--clear-groups']
    assert.equal(await found(outside), '')
  })

  test(`RUN-03: a job over its memory limit ${by} is killed, and its log says why`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    await using job = await jobs.open({ memoryBytes: 64 * MIB })
    const note = 'out of memory: the limit is 64 MiB'
    const killed = await runIn(job, 'tail /dev/zero')
    assert.deepEqual([killed.exitCode, killed.note], [137, note])
    assert.deepEqual(await runIn(job, 'exit 3'), { exitCode: 3, output: '' })
    // Many small ones together, until one is gone.
    const each = 'x=$(head -c 12000000 /dev/zero | tr "\\0" x); sleep 600'
    const all = `pids=; for i in 1 2 3 4 5 6; do (${each}) & pids="$pids $!"; done`
    const watch = 'while :; do for pid in $pids; do kill -0 $pid || exit 9; done; sleep 0.1; done'
    const { note: together } = await runIn(job, `${all}\n${watch}`)
    assert.equal(together, note)
  })

  test(`RUN-03c: a job ${by} that starts too many processes is told the limit`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    await using job = await jobs.open({ processes: 32 })
    const script = 'i=0; while [ $i -lt 100 ]; do sleep 30 & i=$((i + 1)); done'
    const { exitCode, note } = await runIn(job, script)
    assert.notEqual(exitCode, 0)
    assert.equal(note, 'it could not start a process: the limit is 32 (`job-processes`)')
  })

  test(`RUN-03d: no process ${by} escapes its control groups, which are removed with the job`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    {
      await using job = await jobs.open()
      const seconds = String(620_000 + (process.pid % 100_000))
      await using _runs = await startIn(job, `echo ready; setsid sleep ${seconds}`)
      const pid = await eventually(async () => (await findProcesses(seconds))[0] ?? false)
      const inWhich = await readFile(`/proc/${pid}/cgroup`, 'utf8')
      assert.ok(inWhich.includes(`narwhal-oci-${jobs.instance}/`), inWhich)
      const leave =
        'for at in $(find /sys/fs/cgroup -name cgroup.procs); do echo $$ >$at && echo left; done; :'
      assert.doesNotMatch(await runBeside(job, leave), /^left$/m)
    }
    assert.deepEqual(await partsOf(jobs.folder, jobs.instance), [])
  })

  test(`RUN-03f: a job over its processor limit ${by} is throttled`, { skip }, async () => {
    await using jobs = await ociJobs(stage)
    await using job = await jobs.open({ cpus: 0.1 })
    await using _busy = await startIn(job, '(while :; do :; done) & echo ready; sleep 600')
    const stats = 'cat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null; :'
    await eventually(async () => {
      const said = await runBeside(job, stats)
      assert.ok(Number(/^nr_throttled (\d+)$/m.exec(said)?.[1]) > 0, said)
    })
  })
}
