import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClientAt,
} from '../../../test/support/attempt-client.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { startRunnerProcess } from '../../../test/support/runner-process.ts'
import { Fault } from '../../contract/gen/narwhal/v1/runner_pb.js'

test('a runner process that was killed tells at its next start what became of its attempt', async () => {
  await using repository = await gitRepository({ files: { 'a.txt': 'a' } })
  await using runner = await startRunnerProcess({ name: 'one' })
  const clientOf = () => runnerClientAt(runner.url)
  // Whoever may not end it: it ends with the folder.
  const long = `echo second; while [ -d ${runner.folder}/mirrors ]; do sleep 0.1; done`
  const commands = ['echo first', long, 'echo third']
  const order = orderOf(await headOf(repository), commands, { leaseMs: 10_000 })
  const before = new AttemptClient(clientOf(), order)
  await eventually(() => before.words.includes('log 1 second'))

  await runner.process.kill('SIGKILL')
  await runner.restart()
  const lastSeq = before.lastSeq
  const after = new AttemptClient(clientOf(), {
    ...order,
    resume: true,
    afterSeq: BigInt(lastSeq - 1),
  })
  await after.untilFinished()
  const reason = 'runner one was restarted while the job was running'
  assert.deepEqual(after.words, [
    'log 1 second',
    `log 1 ${reason}: lines may be missing after this`,
    `step 1 ended error: ${reason}`,
    'step 2 ended skipped',
    `finished error: ${reason}`,
  ])
  assert.equal(after.fault, Fault.RUNNER)
  assert.deepEqual(
    after.events.map(({ seq }) => Number(seq)),
    [0, 1, 2, 3, 4].map((index) => lastSeq + index),
  )
  after.acknowledge()
  assert.equal(await after.untilEnded(), null)
  await eventually(async () => (await readdir(join(runner.folder, 'spool'))).length === 0)
})
