import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachRawRunner } from '../support/attached.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, startUp } from '../support/installation.ts'

const HELD = { labels: ['own'], steps: [{ name: 'one', command: 'sleep 60000' }] }
const FILE = {
  jobs: { near: { labels: ['own'], steps: [{ name: 'one', command: 'print near' }] } },
}

test('RUN-13: a runner that joined by a token plans nothing while the operator has one of their own', async () => {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp({ executor: 'fake:', labels: 'own' }))
  const { client, url } = narwhal
  const { token } = await client.createJoinToken({ labels: ['far'] })
  const { identity } = await client.joinRunner({ name: 'hostile', labels: ['far'], token })
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  stack.defer(() => end())
  let asked = 0
  const jobs = [{ name: 'forged', labels: ['far'], secrets: { KEY: 'KEY' } }]
  stack.use(
    await attachRawRunner(url, identity, {
      describe: () => ({ instanceId: 'x', name: 'hostile', labels: ['far'], slots: 1 }),
      watchLoad: async function* () {
        yield { instanceId: 'x', slots: 1 }
        await ended
      },
      planCommit: () => {
        asked++
        return { result: { case: 'plan', value: { name: 'forged', jobs } } }
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
  // The operator's own runner is busier than the hostile one, which was asked first for that.
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
