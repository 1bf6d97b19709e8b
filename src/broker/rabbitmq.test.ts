import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { rabbitNames } from '../../test/support/rabbit-names.ts'
import { recordedLog } from '../../test/support/recorded-log.ts'
import { testService } from '../../test/support/services.ts'
import { tcpProxy } from '../../test/support/tcp-proxy.ts'
import type { EventId } from '../core/ids.ts'
import { silentLog } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import { brokerContract } from './broker.contract.ts'
import { type Broker, MAX_DELIVERIES } from './broker.ts'
import { sample } from './events.contract.ts'
import { openBroker } from './open-broker.ts'
import { RabbitBroker } from './rabbitmq.ts'

const rabbitmq = testService('rabbitmq')
const { skip, url } = rabbitmq

brokerContract(
  'RabbitBroker',
  async () => {
    const names = rabbitNames(url)
    const broker = await openBroker({ kind: 'amqp', url, prefix: names.prefix }, silentLog())
    return disposedBefore(broker, names)
  },
  { skip },
)

describe('RabbitBroker, when its connections break', { skip }, () => {
  test('is ready again by itself, with its consumers and subscribers', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, proxy } = parts
    // Sets: what was acknowledged just before a cut may come again.
    const commits = new Set<EventId>()
    const topics = new Set<string>()
    const handler = async (id: EventId) => void commits.add(id)
    await using _consumer = await broker.consumeCommits(handler, { prefetch: 5 })
    await using _subscriber = await broker.subscribeEvents('a.#', (topic) => void topics.add(topic))
    const states: string[] = []
    using _states = broker.onState((state) => void states.push(state))
    for (const topic of ['a.1', 'a.2', 'a.3']) {
      proxy.cut()
      const id = newId('event')
      await broker.publishCommit(id)
      await eventually(() => commits.has(id))
      await eventually(() => {
        broker.publishEvent(topic, sample(1))
        return topics.has(topic)
      })
    }
    await eventually(() => broker.state === 'ready')
    assert.deepEqual(states.slice(0, 2), ['connecting', 'ready'])
    await eventually(() => proxy.connections === 2)
  })

  test('delivers again what was in hand on the connection that broke', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, proxy } = parts
    const gate = Promise.withResolvers<void>()
    const got: EventId[] = []
    const handler = async (id: EventId) => {
      if (got.push(id) === 1) await gate.promise
    }
    await using _ = await broker.consumeCommits(handler, { prefetch: 5 })
    const id = newId('event')
    await broker.publishCommit(id)
    await eventually(() => got.length === 1)
    proxy.cut()
    await eventually(() => assert.deepEqual(got, [id, id]))
    // Its acknowledgement comes too late, and harms nobody.
    gate.resolve()
    const next = newId('event')
    await broker.publishCommit(next)
    await eventually(() => assert.deepEqual(got, [id, id, next]))
  })

  test('hands the commits of a consumer that is gone to another', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, proxy, names } = parts
    const never = Promise.withResolvers<void>()
    let held = 0
    await broker.consumeCommits(() => (held++, never.promise), { prefetch: 5 })
    const ids = [newId('event'), newId('event')]
    for (const id of ids) await broker.publishCommit(id)
    await eventually(() => held === 2)
    await using other = new RabbitBroker({ url, prefix: names.prefix, log: silentLog() })
    const got: EventId[] = []
    await using _ = await other.consumeCommits(async (id) => void got.push(id), { prefetch: 5 })
    await eventually(() => other.state === 'ready')
    proxy.refuse()
    await eventually(() => assert.deepEqual([...got].sort(), [...ids].sort()))
    never.resolve()
  })

  test('keeps a commit that is published in a short absence until it is confirmed', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, proxy } = parts
    proxy.refuse()
    const published = Promise.all([1, 2, 3].map(() => broker.publishCommit(newId('event'))))
    await eventually(() => broker.state === 'connecting')
    proxy.accept()
    await published
    await eventually(async () => (await broker.stats())?.commitsReady === 3)
  })

  test('rejects a commit that a silent broker does not confirm in time', async () => {
    await using parts = await brokerBehindProxy({ confirmWithinMs: 200 })
    const { broker, proxy } = parts
    proxy.stall()
    await assert.rejects(broker.publishCommit(newId('event')), {
      code: 'unavailable',
      message: /no confirm within 200 ms; RabbitMQ at amqp:.* does not respond/,
    })
    proxy.accept()
    await eventually(() => broker.publishCommit(newId('event')))
  })

  test('closes in spite of a broker that has gone silent', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, proxy } = parts
    await broker.consumeCommits(async () => {}, { prefetch: 1 })
    proxy.stall()
    await broker[Symbol.asyncDispose]()
    assert.equal(broker.state, 'closed')
    await eventually(() => proxy.connections === 0)
  })

  test('drops events while the broker is away, and counts them', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, proxy } = parts
    proxy.refuse()
    await eventually(() => broker.state === 'connecting')
    for (let i = 0; i < 10; i++) broker.publishEvent('a', sample(i))
    assert.equal(await broker.stats(), undefined)
    proxy.accept()
    await eventually(async () => ((await broker.stats())?.eventsDropped ?? 0) > 0)
  })
})

describe('RabbitBroker, when RabbitMQ is away at start', { skip }, () => {
  test('opens at once, says where it is looking, and begins when RabbitMQ comes', async () => {
    const { log, lines } = recordedLog()
    await using parts = await brokerBehindProxy({ refusing: true, confirmWithinMs: 100, log })
    const { broker, proxy } = parts
    assert.equal(broker.state, 'connecting')
    const commits: EventId[] = []
    let heard = 0
    const handler = async (id: EventId) => void commits.push(id)
    await using _consumer = await broker.consumeCommits(handler, { prefetch: 5 })
    await using _subscriber = await broker.subscribeEvents('#', () => void heard++)
    const away = new RegExp(
      `RabbitMQ at amqp://127.0.0.1:${proxy.port} is unavailable: .*; retrying`,
    )
    await eventually(() => lines.some((line) => away.test(line)))
    const publish = broker.publishCommit(newId('event'))
    await assert.rejects(publish, { code: 'unavailable', message: /is unavailable/ })
    proxy.accept()
    await eventually(() => broker.state === 'ready')
    const id = newId('event')
    await broker.publishCommit(id)
    broker.publishEvent('a', sample(1))
    await eventually(() => assert.deepEqual([commits, heard], [[id], 1]))
    assert.ok(lines.some((line) => line.includes('reconnected to RabbitMQ')))
    assert.equal(lines.filter((line) => away.test(line)).length <= 4, true, lines.join(''))
  })

  test('can be closed before RabbitMQ has come', async () => {
    await using parts = await brokerBehindProxy({ refusing: true })
    const pending = parts.broker.publishCommit(newId('event'))
    const rejected = assert.rejects(pending, { code: 'unavailable', message: /closed/ })
    await parts.broker[Symbol.asyncDispose]()
    await rejected
    assert.equal(parts.broker.state, 'closed')
  })

  test('never logs the password, nor tells it in an error', async () => {
    const { log, lines } = recordedLog()
    const wrong = new URL(url)
    wrong.password = 's3cret'
    await using broker = new RabbitBroker({ url: wrong.href, confirmWithinMs: 100, log })
    await eventually(() => lines.some((line) => /ACCESS.REFUSED/.test(line)))
    await assert.rejects(
      broker.publishCommit(newId('event')),
      (error: Error) => !error.message.includes('s3cret'),
    )
    assert.doesNotMatch(lines.join(''), /s3cret/)
  })

  test('refuses a URL that can not be one', async () => {
    const opening = openBroker({ kind: 'amqp', url: 'http://localhost' }, silentLog())
    await assert.rejects(opening, { code: 'invalid' })
  })
})

describe('RabbitBroker, with bad things on its queues', { skip }, () => {
  test('sets a malformed commit aside at once, and others flow', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, names } = parts
    const got: EventId[] = []
    const handler = async (id: EventId) => void got.push(id)
    await using _ = await broker.consumeCommits(handler, { prefetch: 1 })
    const bodies = [
      '',
      'not json',
      'null',
      '[]',
      '{"v":2,"eventId":"event_1"}',
      '{"v":1,"eventId":"job_1"}',
      '{"v":1,"eventId":{"toString":1}}',
      '{"__proto__":{"v":1,"eventId":"event_1"}}',
      '\u0000\ufffd',
      '['.repeat(100_000),
    ]
    await names.asOperator(async (channel) => {
      for (const body of bodies) channel.sendToQueue(names.commits, Buffer.from(body))
      await channel.checkQueue(names.commits)
    })
    const id = newId('event')
    await broker.publishCommit(id)
    await eventually(() => assert.deepEqual(got, [id]))
    await eventually(async () => (await broker.stats())?.commitsDead === bodies.length)
  })

  test('lets the broker itself count deliveries to consumers that vanish', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, names } = parts
    await broker.publishCommit(newId('event'))
    let deliveries = 0
    await eventually(
      () =>
        names.asOperator(async (channel) => {
          if (await channel.get(names.commits)) deliveries++
          const dead = await channel.checkQueue(names.dead)
          return dead.messageCount === 1
        }),
      { timeoutMs: 20_000 },
    )
    assert.equal(deliveries, MAX_DELIVERIES)
  })

  test('drops a malformed event, and others are heard', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, names } = parts
    const heard: string[] = []
    await using _ = await broker.subscribeEvents('#', (topic) => void heard.push(topic))
    await names.asOperator(async (channel) => {
      for (const body of ['', '{}', '{"v":1,"event":{"type":"job.changed"}}']) {
        channel.publish(names.events, 'bad', Buffer.from(body))
      }
      await channel.checkExchange(names.events)
    })
    broker.publishEvent('good', sample(1))
    await eventually(() => assert.deepEqual(heard, ['good']))
  })

  test('declares a deleted queue again, and loses neither commits nor its consumer', async () => {
    await using parts = await brokerBehindProxy()
    const { broker, names } = parts
    await names.asOperator((channel) => channel.deleteQueue(names.commits))
    await broker.publishCommit(newId('event'))
    const got: EventId[] = []
    const handler = async (id: EventId) => void got.push(id)
    await using _ = await broker.consumeCommits(handler, { prefetch: 1 })
    await eventually(() => got.length === 1)
    await names.asOperator((channel) => channel.deleteQueue(names.commits))
    await eventually(() => broker.state === 'connecting')
    await broker.publishCommit(newId('event'))
    await eventually(() => got.length === 2)
  })
})

interface BrokerBehindProxyOptions {
  readonly refusing?: boolean
  readonly confirmWithinMs?: number
  readonly log?: ReturnType<typeof silentLog>
}

/** A broker with queues of its own whose every connection goes through a proxy; ready unless refusing. */
async function brokerBehindProxy(options: BrokerBehindProxyOptions = {}) {
  const { refusing = false, confirmWithinMs, log = silentLog() } = options
  await using stack = new AsyncDisposableStack()
  const names = stack.use(rabbitNames(url))
  const { hostname, port } = new URL(url)
  const target = { host: hostname, port: Number(port || 5672), refusing }
  const proxy = stack.use(await tcpProxy(target))
  const { prefix } = names
  const through = proxy.through(url)
  const broker = stack.use(new RabbitBroker({ url: through, prefix, confirmWithinMs, log }))
  if (!refusing) await eventually(() => broker.state === 'ready')
  const owned = stack.move()
  return { names, proxy, broker, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The same broker; disposing of it disposes of the other thing after it. */
function disposedBefore(broker: Broker, after: AsyncDisposable): Broker {
  const dispose = broker[Symbol.asyncDispose].bind(broker)
  broker[Symbol.asyncDispose] = async () => {
    await dispose()
    await after[Symbol.asyncDispose]()
  }
  return broker
}
