import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'amqplib'
import { rabbitNames } from '#root/test/support/rabbit-names.ts'
import { testService } from '#root/test/support/services.ts'
import { newId } from '../lib/new-id.ts'
import { CommitPublisher } from './amqp-commit-publisher.ts'
import { declareTopology } from './amqp-topology.ts'

const { skip, url } = testService('rabbitmq')

test('rejects at once while RabbitMQ takes nothing, and goes on when it does', {
  skip,
}, async () => {
  await using names = rabbitNames(url)
  const model = await connect(url)
  try {
    await declareTopology(model, names)
    const options = { queue: names.commits, confirmWithinMs: 60_000, describe: () => '' }
    using publisher = new CommitPublisher(options)
    await using _ = await publisher.attach({ model, restart: assert.fail })
    // RabbitMQ says this when its memory or disk runs short; to make it would hit other tests.
    model.emit('blocked', 'low on disk')
    await assert.rejects(publisher.publish(newId('event')), {
      code: 'unavailable',
      message: /RabbitMQ blocks publishers: low on disk/,
    })
    model.emit('unblocked')
    await publisher.publish(newId('event'))
  } finally {
    await model.close()
  }
})

test('refuses what is beyond its bound instead of keeping it', async () => {
  const options = { queue: 'none', confirmWithinMs: 60_000, describe: () => '' }
  const publisher = new CommitPublisher(options)
  const waiting = Array.from({ length: 10_000 }, () => publisher.publish(newId('event')))
  const settled = Promise.allSettled(waiting)
  await assert.rejects(publisher.publish(newId('event')), {
    code: 'unavailable',
    message: /10000 others are unconfirmed/,
  })
  publisher[Symbol.dispose]()
  assert.ok((await settled).every(({ status }) => status === 'rejected'))
})
