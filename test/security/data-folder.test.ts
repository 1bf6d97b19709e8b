import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, realpath, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { runNarwhal, startNarwhal } from '../support/narwhal-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What others on the machine could do to a runner through its data folder. */

const runnerArgs = (folder: string): readonly string[] => {
  const ports = ['--port', '0', '--health-port', '0']
  return ['runner', ...ports, '--executor', 'process:', '--data', folder]
}

async function startReady(folder: string) {
  const runner = startNarwhal(runnerArgs(folder))
  await eventually(() => runner.said().includes('runner is ready'), {
    message: 'the runner',
    timeoutMs: 30_000,
  }).catch(async (cause: unknown) => {
    await runner.kill()
    throw new Error(`the runner is not ready: ${runner.said()}`, { cause })
  })
  return runner
}

test('SEC-26: without access to the data folder nobody can lock a runner out of it', {
  skip: process.platform === 'linux' ? false : 'only Linux has abstract sockets',
}, async () => {
  await using dir = await tempDir()
  const folder = await realpath(dir.path)
  // A name that any process of the machine can take, whoever owns it.
  const digest = createHash('sha256').update(folder).digest('hex')
  const squatter = createServer().listen(`\0narwhal-runner-${digest}`)
  await once(squatter, 'listening')
  try {
    await using _runner = await startReady(folder)
  } finally {
    squatter.close()
  }
})

test('SEC-26b: a folder is claimed by one process, and free again when that is killed', async () => {
  await using dir = await tempDir()
  await using other = await tempDir()
  await using first = await startReady(dir.path)
  const second = await runNarwhal(runnerArgs(dir.path))
  assert.notEqual(second.code, 0, second.said)
  assert.match(second.said, /another runner uses .*: give each runner its own folder/)
  await using _elsewhere = await startReady(other.path)
  await first.kill('SIGKILL')
  await using _again = await startReady(dir.path)
})

test('SEC-24: a data folder that others can access is closed to them, with its content', async () => {
  await using dir = await tempDir()
  const folder = dir.join('data')
  await mkdir(folder)
  // As on a newly made disk.
  for (const name of ['lost+found', 'workspaces', 'mirrors']) await mkdir(`${folder}/${name}`)
  for (const path of [folder, `${folder}/mirrors`, `${folder}/workspaces`]) await chmod(path, 0o777)
  await using runner = await startReady(folder)
  assert.match(runner.said(), /other users could access the data folder .*data \(mode 0777\)/)
  for (const path of [folder, `${folder}/mirrors`, `${folder}/workspaces`]) {
    assert.equal((await stat(path)).mode & 0o777, 0o700, path)
  }
})

test("SEC-24b: a folder that also contains others' files is rejected, and left as it is", async () => {
  await using dir = await tempDir()
  const cases = [
    [dir.join('mixed'), 0o755],
    [dir.join('sticky'), 0o1777],
  ] as const
  for (const [folder, mode] of cases) {
    await mkdir(folder)
    await writeFile(`${folder}/notes.txt`, 'mine')
    await chmod(folder, mode)
    const { code, said } = await runNarwhal(runnerArgs(folder))
    assert.equal(code, 2, said)
    assert.match(said, /other users can access the data folder .*: .*chmod 700/)
    assert.equal((await stat(folder)).mode & 0o7777, mode)
  }
})

test("SEC-24c: somebody else's folder is rejected, with what to do", {
  skip: process.getuid?.() === 0 ? false : 'only root can give a folder away',
}, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('theirs'))
  await chown(dir.join('theirs'), 12_345, 12_345)
  const { code, said } = await runNarwhal(runnerArgs(dir.join('theirs')))
  assert.equal(code, 2, said)
  assert.match(said, /theirs belongs to user 12345, and this process runs as user 0: .*chown -R 0 /)
})
