import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createProgram, runProgram } from '../../src/cli/program.ts'
import { roomTrouble } from '../../src/runner/disk/disk-room.ts'
import { addLocalCommand } from '../../src/start/local/local-command.ts'
import { withoutBubblewrap } from '../support/bubblewrap-jobs.ts'
import { recordedIo } from '../support/cli/recorded-io.ts'
import { gitRepository } from '../support/git-repository.ts'
import { importTestImage, withoutContainers } from '../support/imported-image.ts'
import { testImage, testService } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A job that writes more than its limit, and one that meets a full disk. */

const docker = testService('docker')
const MIB = 1024 ** 2
const skip = await withoutBubblewrap()
const isRoot = process.getuid?.() === 0

/** Runs a job with one step on this machine, as `narwhal run` does, and resolves to its output. */
async function runJob(command: string, { data = '', image = '', flags = [] as string[] }) {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using own = await tempDir()
  const lines = [
    'name: greedy',
    ...(image ? [`image: ${image}`] : []),
    'steps:',
    `  - { name: write, command: ${JSON.stringify(command)} }`,
    '  - { name: after, command: echo it went on }',
  ]
  await writeFile(join(repository.path, 'narwhal.yml'), `${lines.join('\n')}\n`)
  const io = recordedIo({ cwd: repository.path })
  const program = createProgram(io, 'test')
  addLocalCommand(program, (given) => ({ io, root: '/', version: 'test', flags: given }))
  await runProgram(program, ['run', '--data', data || own.path, ...flags], io)
  return { said: io.stdout.text + io.stderr.text, code: io.exitCode }
}

/** Writes in small parts and then waits, since it might be finished before it is measured. */
const write = (file: string, megabytes: number): string =>
  `dd if=/dev/zero of=${file} bs=1M count=${megabytes} 2>/dev/null; sleep 60; echo never looked`

for (const [id, what, file, place] of [
  ['SEC-18', 'its workspace', 'deep/er/file', '/workspace/deep/er'],
  ['SEC-18e', '/tmp', '/tmp/file', '/tmp'],
  ['SEC-18f', '/dev/shm', '/dev/shm/file', '/dev/shm'],
  ['SEC-18g', 'its home', '$HOME/file', '/home/narwhal'],
] as const) {
  test(`${id}: a job that fills ${what} over its limit is killed, and told where`, {
    skip,
  }, async () => {
    const flags = ['--executor', 'bubblewrap:', '--job-disk', '24m']
    const { said, code } = await runJob(`mkdir -p deep/er; ${write(file, 64)}`, { flags })
    assert.match(
      said,
      /the job uses 6\d(\.\d)? MiB of disk space, and its limit is 24 MiB \(`job-disk`\)/,
    )
    assert.ok(said.includes(`${place} has 64 MiB`), said)
    assert.doesNotMatch(said, /never looked|it went on|attempt 2/)
    assert.match(said, /failure/)
    assert.equal(code, 1)
  })
}

test('SEC-18b: an unlinked file counts as long as it is open', {
  skip,
}, async () => {
  const flags = ['--executor', 'bubblewrap:', '--job-disk', '24m']
  const command =
    'exec 5>/tmp/x; rm /tmp/x; dd if=/dev/zero bs=1M count=64 2>/dev/null >&5; sleep 60'
  const { said } = await runJob(command, { flags })
  assert.match(said, /\(deleted, still open\) has 64 MiB/)
})

test('SEC-18c: a job that stays below its limit is not disturbed', { skip }, async () => {
  const flags = ['--executor', 'bubblewrap:', '--job-disk', '128m']
  const { said, code } = await runJob('dd if=/dev/zero of=x bs=1M count=64 2>/dev/null; sleep 3', {
    flags,
  })
  assert.equal(code, 0, said)
  assert.match(said, /it went on/)
})

const CONTAINERS = [
  ['Docker', `docker:${docker.url}`, docker.skip],
  ['a runtime', 'oci:', await withoutContainers()],
] as const

for (const [by, executor, skipHere] of CONTAINERS) {
  for (const [id, what, file] of [
    ['SEC-18d', 'its workspace', 'file'],
    ['SEC-18h', "the container's own layer", '/var/file'],
  ] as const) {
    test(`${id}: so is one in a container of ${by} that fills ${what}`, {
      skip: skipHere,
    }, async () => {
      await using data = await tempDir()
      if (executor === 'oci:') await importTestImage(data.path)
      const { said, code } = await runJob(`mkdir -p /var; ${write(file, 64)}`, {
        data: data.path,
        flags: ['--executor', executor, '--job-disk', '24m'],
        image: testImage(),
      })
      assert.match(
        said,
        /the job uses 6\d(\.\d)? MiB of disk space, and its limit is 24 MiB \(`job-disk`\)/,
      )
      assert.doesNotMatch(said, /never looked|it went on/)
      assert.equal(code, 1)
    })
  }
}

test("RUN-18: a step that fails on the runner's full disk is not the job's failure", {
  skip: skip || (isRoot ? false : 'only root makes a small disk'),
}, async () => {
  await using place = await tempDir()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'small', place.path])
  try {
    const flags = ['--executor', 'bubblewrap:', '--disk-reserve', '1m']
    const { said } = await runJob('dd if=/dev/zero of=x bs=1M count=200', {
      data: place.path,
      flags,
    })
    assert.match(said, /the runner's disk is full: 0 MiB left in /)
    assert.match(said, /error/)
  } finally {
    execFileSync('umount', ['-l', place.path])
  }
})

test('RUN-18b: a runner with less room than its reserve takes no job and says so', {
  skip: skip || (isRoot ? false : 'only root makes a small disk'),
}, async () => {
  await using place = await tempDir()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'small', place.path])
  try {
    assert.match(
      await roomTrouble(place.path, 64 * MIB),
      /has 32 MiB left: this runner accepts jobs while at least 64 MiB are free \(`disk-reserve`\)/,
    )
    assert.equal(await roomTrouble(place.path, MIB), '')
  } finally {
    execFileSync('umount', ['-l', place.path])
  }
})
