import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, logText, startUp } from '../support/installation.ts'
import { startRunnerProcess } from '../support/runner-process.ts'
import { RUNNER_TOKEN } from '../support/tokens.ts'

const CANARY = 'kept-canary-91b2c4'

/** Forwards everything to a runner, and records what it was sent. */
async function wireTo(port: number) {
  const sent: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const one of [client, upstream]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (bytes) => sent.push(bytes))
    client.pipe(upstream)
    upstream.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${own}`,
    has: (text: string) => Buffer.concat(sent).includes(text),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const FILE = JSON.stringify({
  jobs: {
    deploys: {
      labels: ['far'],
      secrets: ['DEPLOY_KEY'],
      steps: [{ name: 'deploy', command: 'pwd; echo "key $DEPLOY_KEY"' }],
    },
    plain: { labels: ['claimed'], steps: [{ name: 'plain', command: 'pwd' }] },
  },
})

for (const [id, by] of [
  ['MSK-14', 'name'],
  ['MSK-14b', 'label'],
] as const) {
  test(`${id}: a secret that is restricted to a runner by its ${by} is never sent to another one`, async () => {
    await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
    await using narwhal = await startUp()
    const { client } = narwhal
    // It claims every label that the job wants, and one of the trusted ones.
    const labels = 'far,claimed,trusted'
    await using other = await startRunnerProcess({ name: 'other', labels })
    await using otherWire = await wireTo(other.port)
    await client.addRunner({ name: 'other', url: otherWire.url, token: RUNNER_TOKEN })
    await using own = await startRunnerProcess({ name: 'own', labels: 'far,trusted' })
    await using ownWire = await wireTo(own.port)
    const granted = { labels: ['far', 'trusted'] }
    await client.addRunner({ name: 'own', url: ownWire.url, token: RUNNER_TOKEN, ...granted })
    await client.drainRunner('own')

    const { path: cloneUrl } = repository
    await client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
    const runners = [by === 'name' ? 'own' : 'label:trusted']
    await client.setSecret('DEPLOY_KEY', { value: CANARY, runners }, 'ada/project')
    const [kept] = await client.listSecrets('ada/project')
    assert.deepEqual(kept?.runners, runners)
    const { id: pipelineId } = await client.startPipeline({ repository: 'ada/project' })
    // The other one runs what needs no secret, and the job waits with the reason.
    const plain = await eventually(
      async () => {
        const { jobs } = await client.getPipeline(pipelineId)
        return jobs.find(({ name, status }) => name === 'plain' && status === 'finished') ?? null
      },
      { timeoutMs: 30_000 },
    )
    assert.equal(plain.outcome, 'success')
    const { jobs: waiting } = await client.listQueue()
    assert.match(waiting[0]?.reason ?? '', /the only runner .*its secrets is draining: own/)

    await client.resumeRunner('own')
    const { jobs } = await finished(narwhal, pipelineId)
    const deploys = jobs.find(({ name }) => name === 'deploys')
    assert.equal(deploys?.outcome, 'success', deploys?.reason)
    const text = await logText(narwhal, deploys)
    assert.ok(text.includes(own.folder), text)
    assert.match(text, /key \*\*\*/)
    const refused = deploys.attempts[0]?.decision.considered.find(({ name }) => name === 'other')
    assert.match(refused?.refusedBecause ?? '', /may not have the secret DEPLOY_KEY/)
    assert.ok(ownWire.has(CANARY))
    assert.ok(otherWire.has('plain'))
    assert.ok(!otherWire.has(CANARY))

    // A new value keeps the restriction.
    await client.setSecret('DEPLOY_KEY', { value: `${CANARY}-anew` }, 'ada/project')
    // No runner may have it any more.
    await client.removeRunner('own')
    const again = await client.startPipeline({ repository: 'ada/project' })
    await eventually(async () => {
      const { jobs: queued } = await client.listQueue()
      const found = queued.find((one) => one.pipelineId === again.id)
      assert.match(
        found?.reason ?? '',
        /^no runner with label far may have the secret DEPLOY_KEY, which is for (one that was removed|those that were granted the label trusted)$/,
      )
    })
    const answer = await client.setSecret('WRONG', { value: CANARY, runners: ['nobody'] }).then(
      () => 'set',
      (error: Error) => error.message,
    )
    assert.match(answer, /there is no runner "nobody"/)
    assert.ok(!otherWire.has(CANARY))

    // A waiting job notices that the restriction is lifted.
    const free = { value: `${CANARY}-free`, runners: ['all'] }
    await client.setSecret('DEPLOY_KEY', free, 'ada/project')
    assert.equal((await client.listSecrets('ada/project'))[0]?.runners, undefined)
    const { pipeline } = await finished(narwhal, again.id)
    assert.equal(pipeline.outcome, 'success')
    assert.ok(otherWire.has(`${CANARY}-free`) && !otherWire.has(`${CANARY}-anew`))
  })
}
