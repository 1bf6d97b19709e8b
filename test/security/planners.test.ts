import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachRawRunner } from '../support/attached.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, startUp } from '../support/installation.ts'
import { planJson } from '../support/job-json.ts'
import { bearer } from '../support/tokens.ts'

const HELD = { labels: ['own'], steps: [{ name: 'one', command: 'sleep 60000' }] }
const FILE = {
  jobs: { near: { labels: ['own'], steps: [{ name: 'one', command: 'print near' }] } },
}

test('RUN-13: a runner that joined with a token plans nothing while the operator has a runner of their own', async () => {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp({ executor: 'fake:', labels: 'own' }))
  const { client, url } = narwhal
  const { token } = await client.createJoinToken({ labels: ['far'] })
  const { identity } = await client.joinRunner({ name: 'hostile', labels: ['far'], token })
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  stack.defer(() => end())
  let asked = 0
  const forged = planJson([{ name: 'forged', labels: ['far'], secrets: { KEY: 'KEY' } }])
  stack.use(
    await attachRawRunner(url, identity, {
      describe: () => ({ instanceId: 'x', name: 'hostile', labels: ['far'], slots: 1 }),
      watchLoad: async function* () {
        yield { instanceId: 'x', slots: 1 }
        await ended
      },
      planCommit: () => {
        asked++
        return { result: { case: 'plan', value: forged } }
      },
    }),
  )
  const start = async (name: string, file: object) => {
    const files = { 'narwhal.yml': JSON.stringify(file) }
    const repository = stack.use(await gitRepository({ files }))
    await client.addRepository({ name, cloneUrl: repository.path, pollIntervalMs: 0 })
    return (await client.startPipeline({ repository: name })).id
  }
  const held = await start('ada/held', HELD)
  // The operator's own runner is busier than the hostile one, which was therefore preferred.
  await eventually(async () => {
    const [busy, hostile] = (await client.listRunners()).toSorted((a, b) => b.busy - a.busy)
    return busy?.busy === 1 && hostile?.name === 'hostile' && hostile.state === 'online'
  })
  const planned = await finished(narwhal, await start('ada/app', FILE))
  assert.deepEqual(
    planned.jobs.map(({ name }) => name),
    ['near'],
  )
  assert.equal(asked, 0)
  await client.cancelPipeline(held)
})

test('RUN-14: without a runner that may plan, commits wait, and their page, the queue and the metrics say why', async () => {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp({ executor: 'fake:', labels: 'own' }))
  const { client, url } = narwhal
  const [own] = await client.listRunners()
  assert.ok(own)
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  stack.defer(() => end())
  const join = async (name: string, labels: string[]) => {
    const { token } = await client.createJoinToken({ labels })
    const { identity } = await client.joinRunner({ name, labels, token })
    const socket = await attachRawRunner(url, identity, {
      describe: () => ({ instanceId: name, name, labels, slots: 1 }),
      watchLoad: async function* () {
        yield { instanceId: name, slots: 1 }
        await ended
      },
      planCommit: () => ({
        result: { case: 'problems', value: { problems: [{ message: `planned by ${name}` }] } },
      }),
    })
    await eventually(async () =>
      (await client.listRunners()).some((one) => one.name === name && one.state === 'online'),
    )
    return socket
  }
  // One that may plan by its token's grant, and one that may not; the operator's own is drained for good.
  const planner = stack.use(await join('planner-1', ['far', 'planner']))
  stack.use(await join('other', ['far']))
  await client.drainRunner(own.id)
  const start = async (name: string) => {
    const repository = stack.use(await gitRepository({ files: { 'narwhal.yml': 'steps: [x]' } }))
    await client.addRepository({ name, cloneUrl: repository.path, pollIntervalMs: 0 })
    return (await client.startPipeline({ repository: name })).id
  }
  const first = await finished(narwhal, await start('ada/first'))
  assert.equal(first.pipeline.problems[0]?.message, 'planned by planner-1')
  assert.equal((await client.listQueue()).unplanned, undefined)

  planner[Symbol.dispose]()
  await eventually(async () => (await client.listQueue()).unplanned !== undefined)
  const id = await start('ada/second')
  const waiting = await eventually(async () => {
    const { pipeline } = await client.getPipeline(id)
    return pipeline.reason === undefined ? null : pipeline
  })
  assert.equal(waiting.status, 'pending')
  const words = /^waits for a runner that may read pipeline files: planner-1 is offline.*drain/
  assert.match(waiting.reason ?? '', words)
  const { unplanned } = await client.listQueue()
  assert.match(unplanned?.reason ?? '', words)
  assert.equal(unplanned?.commits, 1)
  const answer = await fetch(`${url}/metrics`, {
    headers: bearer(narwhal.token),
  })
  const figures = await answer.text()
  assert.match(figures, /^narwhal_plan_shortage 1$/m)
  assert.match(figures, /^narwhal_commits_unplanned 1$/m)
  // Following the message is enough.
  await client.resumeRunner(own.id)
  const { pipeline } = await finished(narwhal, id)
  assert.notEqual(pipeline.reason, waiting.reason)
  assert.equal((await client.listQueue()).unplanned, undefined)
})
