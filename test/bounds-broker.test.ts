import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAgent } from '../src/agent/agent.ts'
import { RabbitBroker } from '../src/broker/rabbitmq.ts'
import { readGitEnv } from '../src/config/env.ts'
import type { EventId } from '../src/core/ids.ts'
import { openMetrics } from '../src/http/metrics.ts'
import { createHttpServer, listen } from '../src/http/server.ts'
import { silentLog } from '../src/lib/log.ts'
import { newId } from '../src/lib/new-id.ts'
import { Vault } from '../src/vault/vault.ts'
import { eventually } from './support/eventually.ts'
import { deliver, pushPayload } from './support/github.ts'
import { type RabbitNames, rabbitNames } from './support/rabbit-names.ts'
import { testService } from './support/services.ts'
import { tcpProxy } from './support/tcp-proxy.ts'
import { openTestStore } from './support/test-store.ts'

const { skip, url } = testService('rabbitmq')
const forge = { id: 78, fullName: 'ada/queued' }
const secret = 'another secret'

/** An agent, a consumer that makes pipelines as a dispatcher does, and RabbitMQ between them. */
async function startWorld() {
  await using stack = new AsyncDisposableStack()
  const names: RabbitNames = stack.use(rabbitNames(url))
  const { hostname, port } = new URL(url)
  const proxy = stack.use(await tcpProxy({ host: hostname, port: Number(port || 5672) }))
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const log = silentLog()
  const { prefix } = names
  const options = { url: proxy.through(url), prefix, log, confirmWithinMs: 500 }
  const agentBroker = stack.use(new RabbitBroker(options))
  const dispatcherBroker = stack.use(new RabbitBroker(options))
  const metrics = openMetrics()
  const ready = (): Promise<void> => store.ping()
  const server = await createHttpServer({ log, metrics, ready, version: '1' })
  const gitEnv = readGitEnv()
  stack.use(
    startAgent(server, { store, vault, broker: agentBroker, metrics, gitEnv, log, sweepMs: 300 }),
  )
  stack.defer(() => server.close())
  await store.transact((write) =>
    write.repositories.insert(
      {
        id: newId('repo'),
        name: forge.fullName,
        forge: 'github',
        forgeId: forge.id,
        cloneUrl: 'https://git.example.test/ada/queued.git',
        webhookSecret: secret,
        pollIntervalMs: 0,
        createdAt: 1,
      },
      [],
    ),
  )
  const created = new Map<EventId, number>()
  const create = async (eventId: EventId): Promise<void> => {
    const fresh = { id: newId('pipeline'), eventId, phases: [], createdAt: Date.now() }
    const { result } = await store.transact((write) => write.pipelines.create(fresh))
    if (result.created) created.set(eventId, (created.get(eventId) ?? 0) + 1)
  }
  stack.use(await dispatcherBroker.consumeCommits(create, { prefetch: 20 }))
  await eventually(() => agentBroker.state === 'ready' && dispatcherBroker.state === 'ready')
  const { url: agentUrl } = await listen(server, { host: '127.0.0.1', port: 0 })
  let shas = 0
  const push = async (): Promise<EventId> => {
    const payload = pushPayload(forge, { sha: (++shas).toString(16).padStart(40, 'c') })
    const reply = await deliver(agentUrl, { event: 'push', payload, secret })
    assert.equal(reply.status, 202)
    return reply.body.eventId as EventId
  }
  const owned = stack.move()
  return {
    names,
    proxy,
    store,
    created,
    push,
    agentBroker,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type World = Awaited<ReturnType<typeof startWorld>>

async function allBuiltOnce({ created, store }: World, accepted: EventId[]): Promise<void> {
  await eventually(
    async () => {
      assert.equal(created.size, accepted.length)
      const query = { before: Date.now() + 1, limit: 1_000 }
      assert.deepEqual(await store.events.listPending(query), [])
    },
    { timeoutMs: 30_000 },
  )
  assert.deepEqual([...created.keys()].toSorted(), accepted.toSorted())
  assert.ok([...created.values()].every((times) => times === 1))
}

test('while RabbitMQ is away every webhook is accepted, and built when it is back', {
  skip,
}, async () => {
  await using world = await startWorld()
  world.proxy.refuse()
  await eventually(() => world.agentBroker.state === 'connecting')
  const accepted = await Promise.all(Array.from({ length: 50 }, () => world.push()))
  assert.equal(world.created.size, 0)
  // Long enough that no publish is still waiting for its confirm.
  await assert.rejects(world.agentBroker.publishCommit(newId('event')), { code: 'unavailable' })
  world.proxy.accept()
  await allBuiltOnce(world, accepted)
})

test('queues and exchange that are deleted under load are declared anew, and nothing is lost', {
  skip,
}, async () => {
  await using world = await startWorld()
  const { names } = world
  const accepted: EventId[] = []
  for (let round = 0; round < 4; round++) {
    const pushed = Promise.all(Array.from({ length: 25 }, () => world.push()))
    await names.asOperator(async (channel) => {
      await channel.deleteQueue(names.commits)
      await channel.deleteExchange(names.events)
      await channel.deleteQueue(names.dead)
    })
    accepted.push(...(await pushed))
  }
  await allBuiltOnce(world, accepted)
  await names.asOperator(async (channel) => {
    await channel.checkQueue(names.commits)
  })
})
