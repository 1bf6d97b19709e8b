import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClient,
} from '../../../test/support/attempt-client.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { startTestRunner } from '../../../test/support/test-runner.ts'

/** What an attempt with these services and one step tells; images and words are the fake engine's. */
async function run(services: readonly { image?: string; command: string[] }[]): Promise<string[]> {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using served = await startTestRunner()
  const order = orderOf(await headOf(repository), [])
  const job = jobJson({
    steps: [{ name: 'step', command: 'print hello\nsleep 100' }],
    services: services.map((one, i) => ({ name: `service-${i}`, image: 'any:1', env: {}, ...one })),
  })
  const attempt = new AttemptClient(runnerClient(served.transport), { ...order, job })
  await attempt.untilFinished()
  return attempt.words
}

test('tells of services behind the steps, with logs that stand together', async () => {
  const words = await run([
    { command: ['print', 'up\nsleep 100000'] },
    { command: ['print', 'gone\nexit 3'] },
    { command: [] },
  ])
  assert.deepEqual(words.slice(0, 4), ['started', 'step 1', 'step 2', 'step 3'])
  assert.deepEqual(words.slice(4), [
    'step 0',
    'log 0 hello',
    'step 0 ended success',
    'log 1 up',
    'step 1 ended success',
    'log 2 gone',
    'log 2 it exited on its own with exit code 3',
    'step 2 ended failure: it exited on its own with exit code 3',
    'step 3 ended success',
    'finished success',
  ])
})

test('a service that can not be had ends the job, and what did not begin is skipped', async () => {
  const words = await run([{ image: 'missing:1', command: [] }])
  assert.deepEqual(words.slice(1), [
    "log 0 image missing:1 can't be pulled: the fake engine does not have it",
    'step 1 ended skipped',
    'step 0 ended skipped',
    "finished error: image missing:1 can't be pulled: the fake engine does not have it",
  ])
})
