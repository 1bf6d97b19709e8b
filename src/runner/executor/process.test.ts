import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findProcesses } from '../../../test/support/sandbox-processes.ts'
import { uniquePrefix } from '../../../test/support/services.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { executorContract } from './executor.contract.ts'
import { ProcessExecutor } from './process.ts'

executorContract('process', async () => new ProcessExecutor({ instance: uniquePrefix() }), {
  skip: false,
  isolated: false,
  baseEnv: ['TMPDIR', 'NARWHAL_SANDBOX'],
  leftovers: findProcesses,
})

test('process: refuses a job with an image in words that help', async () => {
  await using executor = new ProcessExecutor({ instance: uniquePrefix() })
  const limits = { memoryBytes: 1, cpus: 1, processes: 1 }
  const spec = { name: 'job_x/1', image: 'node:24', workspace: '/nowhere', limits }
  await assert.rejects(
    executor.open(spec, new AbortController().signal),
    (error) =>
      error instanceof NarwhalError &&
      error.code === 'invalid' &&
      error.message.startsWith('image node:24 needs a container engine'),
  )
})
