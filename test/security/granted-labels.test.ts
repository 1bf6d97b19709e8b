import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outcome } from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import { attachRawRunner } from '../support/attached.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, startUp } from '../support/installation.ts'

const SLOW = { timeoutMs: 30_000 }
const CANARY = 'canary-of-production-8c1f'

const job = (labels: string[], command: string, more = {}) => ({
  labels,
  steps: [{ name: 'one', command }],
  ...more,
})

/** The job that keeps the operator's own runner busy, the secret's job, and the rogue runner's job. */
const HELD = { jobs: { held: job(['prod'], 'sleep 60000') } }
const DEPLOYS = {
  jobs: { deploy: job(['prod'], 'print done', { secrets: { KEY: 'DEPLOY_KEY' } }) },
}
const TESTS = { jobs: { check: job(['test'], 'print checked') } }

test('SEC-05c: a job with secrets never runs on a runner whose token does not grant its labels, whatever it claims', async () => {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp({ executor: 'fake:', labels: 'prod', slots: '1' }))
  const { client, url } = narwhal
  const [own] = await client.listRunners()
  assert.ok(own)
  const labels = ['test', 'prod']
  const { token } = await client.createJoinToken({ labels: ['test'] })
  // Nor can it take the other one's name.
  await assert.rejects(client.joinRunner({ name: own.name, labels, token }), { code: 'conflict' })
  const { identity, runner } = await client.joinRunner({ name: 'rogue', labels, token })
  assert.deepEqual(runner.labels, ['test'])

  const given: string[] = []
  let plans = 0
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  stack.defer(() => end())
  stack.use(
    await attachRawRunner(url, identity, {
      describe: () => ({ instanceId: 'x', name: own.name, labels, slots: 100 }),
      watchLoad: async function* () {
        yield { instanceId: 'x', slots: 100 }
        await ended
      },
      planCommit: () => {
        plans++
        return { result: { case: 'problems', value: { problems: [{ message: 'forged' }] } } }
      },
      runAttempt: async function* (requests) {
        for await (const request of requests) {
          given.push(
            JSON.stringify(request, (_, one) => (typeof one === 'bigint' ? `${one}` : one)),
          )
          break
        }
        yield { seq: 1n, event: { case: 'started', value: { instanceId: 'x' } } }
        yield { seq: 2n, event: { case: 'finished', value: { outcome: Outcome.SUCCESS } } }
      },
      drain: () => ({}),
      discard: () => ({}),
      probe: () => ({}),
    }),
  )
  const seen = await eventually(async () => {
    const found = (await client.listRunners()).find(({ name }) => name === 'rogue')
    return found?.state === 'online' && found.slots === 100 ? found : null
  }, SLOW)
  assert.deepEqual(seen.labels, ['test'])

  const start = async (name: string, file: object) => {
    const repository = stack.use(
      await gitRepository({ files: { 'narwhal.yml': JSON.stringify(file) } }),
    )
    await client.addRepository({ name, cloneUrl: repository.path, pollIntervalMs: 0 })
    if (file === DEPLOYS) await client.setSecret('DEPLOY_KEY', { value: CANARY }, name)
    return (await client.startPipeline({ repository: name })).id
  }
  const held = await start('ada/held', HELD)
  await eventually(async () => (await client.getPipeline(held)).jobs[0]?.status === 'running', SLOW)
  // It has a hundred slots, and the other none: still it waits.
  const deploys = await start('ada/shop', DEPLOYS)
  const waiting = await eventually(async () => {
    const { jobs } = await client.listQueue()
    return jobs.find(({ pipelineId }) => pipelineId === deploys) ?? null
  }, SLOW)
  assert.equal(waiting.name, 'deploy')
  // And it gets what it may have: it is online, and has free slots.
  const { jobs: checks } = await finished(narwhal, await start('ada/lib', TESTS))
  assert.deepEqual([checks[0]?.outcome, checks[0]?.attempts[0]?.runnerId], ['success', runner.id])
  assert.deepEqual((await client.getPipeline(deploys)).jobs[0]?.attempts, [])

  await client.cancelPipeline(held)
  const { jobs } = await finished(narwhal, deploys)
  assert.deepEqual(
    jobs.flatMap(({ outcome, attempts }) => attempts.map((one) => [outcome, one.runnerId])),
    [['success', own.id]],
  )
  assert.equal(plans, 0)
  assert.equal(given.length, 1)
  assert.match(given[0] ?? '', /checked/)
  assert.doesNotMatch(given.join(), new RegExp(CANARY))
})
