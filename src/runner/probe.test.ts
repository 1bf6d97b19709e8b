import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { HandExecutor } from '../../test/support/hand-executor.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { probeSandbox } from './probe.ts'

const limits = { memoryBytes: 2 ** 30, cpus: 1, processes: 100 }

test('gives up an engine that never gives a sandbox, and a step that never ends', async () => {
  await using dir = await tempDir()
  const executor = new HandExecutor()
  const deps = { executor, workspaces: dir.path, limits, timeoutMs: 200 }
  assert.equal(await probeSandbox(deps), 'a sandbox took longer than 0.2 s')
  assert.equal(executor.disposed, 1)
  executor.beforeOpen = () => new Promise(() => {})
  assert.equal(await probeSandbox(deps), 'a sandbox took longer than 0.2 s')
  assert.equal((await readdir(dir.path)).length, 1)
})
