import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Distributed, skipDistributed, startDistributed } from './support/distributed.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, pipelineOf, push, register } from './support/installation.ts'
import { testService } from './support/services.ts'
import { type TcpProxy, tcpProxy } from './support/tcp-proxy.ts'
import { bearer } from './support/tokens.ts'

const skip = skipDistributed()
const FILE = { 'narwhal.yml': 'steps: [{ name: a, command: print hello }]' }
/** Ends by itself while something is away. */
const SLOW = { 'narwhal.yml': 'steps: [{ name: a, command: "sleep 1500\\nprint hello" }]' }

async function proxyTo(name: 'rabbitmq' | 'postgres', refusing = false): Promise<TcpProxy> {
  const { port } = new URL(testService(name).url)
  return await tcpProxy({ port: Number(port), refusing })
}

/** The words of a process's /readyz while it is not ready. */
async function troubleOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/readyz`)
  return answer.status === 503 ? await answer.text() : ''
}

async function pushTo(narwhal: Distributed, files: Record<string, string>) {
  const repository = await gitRepository({ files: { 'README.md': '' }, serve: true })
  const registered = await register(narwhal, repository.url)
  const sha = await repository.commit(files)
  return { repository, registered, sha }
}

test('RabbitMQ away: webhooks are accepted, and built once when it is back', { skip }, async () => {
  await using brokerProxy = await proxyTo('rabbitmq')
  await using narwhal = await startDistributed({ executor: 'fake:', brokerProxy })
  const { repository, registered, sha } = await pushTo(narwhal, FILE)
  await using _ = repository

  brokerProxy.refuse()
  await eventually(async () => (await troubleOf(narwhal.agentUrl)).includes('broker'), {
    message: 'the agent to say that the broker is unavailable',
  })
  const reply = await push(narwhal, registered, { sha })
  assert.equal(reply.status, 202)
  brokerProxy.accept()
  const { id } = await pipelineOf(narwhal, reply.body.eventId)
  const { pipeline } = await finished(narwhal, id)
  assert.equal(pipeline.outcome, 'success')
  assert.equal((await narwhal.client.listPipelines({ limit: 10 })).length, 1)
  assert.match(narwhal.said(), /RabbitMQ/)
})

test('PostgreSQL away: nothing is accepted, what runs goes on, and all is told later', {
  skip,
}, async () => {
  await using databaseProxy = await proxyTo('postgres')
  await using narwhal = await startDistributed({ executor: 'fake:', databaseProxy })
  const { repository, registered, sha } = await pushTo(narwhal, SLOW)
  await using _ = repository
  const reply = await push(narwhal, registered, { sha })
  const { id } = await pipelineOf(narwhal, reply.body.eventId)
  await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs.some(({ status }) => status === 'running')
  })

  databaseProxy.refuse()
  await eventually(async () => (await troubleOf(narwhal.agentUrl)) !== '')
  const next = await repository.commit({ 'a.txt': 'a' })
  const refused = await push(narwhal, registered, { sha: next })
  assert.equal(refused.status, 503, JSON.stringify(refused.body))
  const command = await fetch(`${narwhal.dispatcherUrl}/api/v1/pipelines/${id}/cancel`, {
    method: 'POST',
    headers: bearer(narwhal.token),
  })
  assert.equal(command.status, 503)
  assert.ok(command.headers.get('retry-after'))
  // The job ends meanwhile: the dispatcher has something to write and keeps it.
  await eventually(() => narwhal.said().includes('the store is unavailable'), {
    timeoutMs: 30_000,
    message: 'the dispatcher to have something to write',
  })

  databaseProxy.accept()
  const { pipeline, jobs } = await finished(narwhal, id)
  assert.equal(pipeline.outcome, 'success')
  assert.equal(jobs[0]?.attempts.length, 1)
  assert.equal(jobs[0]?.attempts[0]?.lines, 1)
  const again = await push(narwhal, registered, { sha: next })
  assert.equal(again.status, 202)
  const later = await finished(narwhal, (await pipelineOf(narwhal, again.body.eventId)).id)
  assert.equal(later.pipeline.outcome, 'success')
})

test('both away at start: the processes say so, wait, and begin when they are there', {
  skip,
}, async () => {
  await using brokerProxy = await proxyTo('rabbitmq', true)
  await using databaseProxy = await proxyTo('postgres', true)
  await using narwhal = await startDistributed({
    executor: 'fake:',
    brokerProxy,
    databaseProxy,
    away: true,
  })
  await eventually(() => /PostgreSQL is unavailable/.test(narwhal.said()), { timeoutMs: 30_000 })
  await eventually(() => /RabbitMQ .*unavailable/.test(narwhal.said()), { timeoutMs: 30_000 })
  assert.doesNotMatch(narwhal.said(), /guest:guest/)
  databaseProxy.accept()
  brokerProxy.accept()
  await narwhal.ready()
  const { repository, registered, sha } = await pushTo(narwhal, FILE)
  await using _ = repository
  const reply = await push(narwhal, registered, { sha })
  const { pipeline } = await finished(narwhal, (await pipelineOf(narwhal, reply.body.eventId)).id)
  assert.equal(pipeline.outcome, 'success')
})

test('a dispatcher that is killed leaves its jobs running, and the next one goes on', {
  skip,
}, async () => {
  await using narwhal = await startDistributed({ executor: 'fake:' })
  const { repository, registered, sha } = await pushTo(narwhal, SLOW)
  await using _ = repository
  const reply = await push(narwhal, registered, { sha })
  const { id } = await pipelineOf(narwhal, reply.body.eventId)
  await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs.some(({ status }) => status === 'running')
  })
  await narwhal.restart('dispatcher', 'SIGKILL')
  const { pipeline, jobs } = await finished(narwhal, id)
  assert.equal(pipeline.outcome, 'success')
  assert.equal(jobs[0]?.attempts.length, 1)
})
