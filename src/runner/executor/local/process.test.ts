import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { executorContract } from '../contract/executor.contract.ts'
import { graceContract } from '../contract/grace.contract.ts'
import type { SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { ProcessExecutor } from './process.ts'

executorContract('process', async () => new ProcessExecutor({ instance: uniquePrefix() }), {
  skip: false,
  isolated: false,
  baseEnv: ['TMPDIR', 'NARWHAL_SANDBOX'],
  leftovers: findProcesses,
})

graceContract('process', (graceMs) => new ProcessExecutor({ instance: uniquePrefix(), graceMs }), {
  skip: false,
  leftovers: findProcesses,
})

test('process: rejects what it does not support, and says what to do', async () => {
  await using executor = new ProcessExecutor({ instance: uniquePrefix() })
  const limits = { memoryBytes: 1, cpus: 1, processes: 1 }
  const refused = async (asked: Partial<SandboxSpec>, words: string) => {
    const spec = {
      name: 'job_x/1',
      workspace: folderWorkspace('/nowhere'),
      limits,
      isStranger: false,
      ...asked,
    }
    await assert.rejects(
      executor.open(spec, new AbortController().signal),
      (error) =>
        error instanceof NarwhalError &&
        error.code === 'invalid' &&
        error.message.startsWith(words),
    )
  }
  await refused({ image: 'node:24' }, 'image node:24 needs a container engine')
  await refused({ images: ['node:24'] }, 'image node:24 needs a container engine')
  const services = [{ name: 'db', image: 'postgres:18', env: {} }]
  await refused({ services }, 'services need a container engine, and this runner runs plain')
  await refused({ network: 'none' }, 'network: none needs a sandbox')
})
