import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Channel, connect } from 'amqplib'
import { eventually } from '#root/test/support/eventually.ts'
import { rabbitNames } from '#root/test/support/rabbit-names.ts'
import { testService } from '#root/test/support/services.ts'
import type { EventId } from '../core/ids.ts'
import { silentLog } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import { CommitConsumer } from './amqp-commit-consumer.ts'
import { declareTopology } from './amqp-topology.ts'

const { skip, url } = testService('rabbitmq')

// That a poison commit is dead-lettered shows this on RabbitMQ 4.3 alone: older ones count a nack, too.
test('rejects what failed, which every RabbitMQ counts, and never nacks it', {
  skip,
}, async () => {
  await using names = rabbitNames(url)
  const model = await connect(url)
  try {
    await declareTopology(model, names)
    const rejected: boolean[] = []
    const create = model.createChannel.bind(model)
    model.createChannel = async () => {
      const channel: Channel = await create()
      const reject = channel.reject.bind(channel)
      channel.reject = (message, requeue) => {
        rejected.push(requeue ?? true)
        reject(message, requeue)
      }
      channel.nack = () => assert.fail('it was nacked')
      return channel
    }
    let deliveries = 0
    const handler = async (_id: EventId): Promise<void> => {
      if (++deliveries === 1) throw new Error('not this time')
    }
    const log = silentLog()
    const consumer = new CommitConsumer({ queue: names.commits, handler, prefetch: 2, log })
    await using _ = await consumer.attach({ model, restart: assert.fail })
    await names.asOperator(async (channel) => {
      channel.sendToQueue(names.commits, Buffer.from('not a commit'))
      const body = JSON.stringify({ v: 1, eventId: newId('event') })
      channel.sendToQueue(names.commits, Buffer.from(body))
      await channel.checkQueue(names.commits)
    })
    await eventually(() => deliveries === 2)
    assert.deepEqual(rejected, [false, true])
  } finally {
    await model.close()
  }
})
