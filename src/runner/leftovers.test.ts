import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { AttemptClient, headOf, orderOf, runnerClient } from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { gitRepository } from '../../test/support/git-repository.ts'
import { HandExecutor } from '../../test/support/hand-executor.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { startTestRunner } from '../../test/support/test-runner.ts'
import { readGitEnv } from '../config/env.ts'
import { silentLog } from '../lib/log.ts'
import { startRunner } from './start-runner.ts'

const run = promisify(execFile)

test('removes the workspace also when the engine goes away under the sandbox', async () => {
  await using repository = await gitRepository({ files: { 'a.txt': 'a' } })
  const executor = new HandExecutor()
  executor.onDispose = async () => {
    throw new Error('the engine is gone')
  }
  executor.onStep = (step) => step.fail(new Error('the engine is gone'))
  await using served = await startTestRunner({ executor })
  const order = orderOf(await headOf(repository), ['one'])
  const attempt = new AttemptClient(runnerClient(served.transport), order)
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished error: step "step 0": the engine is gone')
  const workspaces = join(served.runner.dataDir, 'workspaces')
  await eventually(async () => (await readdir(workspaces)).length === 0)
})

test('starts also where something that a former process left can not be removed', async (t) => {
  await using dir = await tempDir()
  const stuck = dir.join('workspaces', 'job_old-1')
  await mkdir(stuck, { recursive: true })
  await mkdir(dir.join('workspaces', 'job_old-2'))
  const mounted = await run('mount', ['-t', 'tmpfs', 'narwhal', stuck]).catch(() => undefined)
  if (!mounted) return t.skip('only root can make a folder that can not be removed')
  await using stack = new AsyncDisposableStack()
  stack.defer(async () => void (await run('umount', [stuck])))
  await using _runner = await startRunner(
    { log: silentLog(), executor: new HandExecutor(), dataDir: dir.path, gitEnv: readGitEnv() },
    { name: 'one', slots: 1, labels: [] },
  )
  assert.deepEqual(await readdir(dir.join('workspaces')), ['job_old-1'])
})
