import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { rabbitNames } from '../../test/support/rabbit-names.ts'
import { recordedLog } from '../../test/support/recorded-log.ts'
import { testService } from '../../test/support/services.ts'
import { silentLog } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import { sample } from './events.contract.ts'
import { RabbitBroker } from './rabbitmq.ts'

const { skip, url } = testService('rabbitmq')

describe('RabbitBroker, when its queues and exchange are touched by others', { skip }, () => {
  test('a subscription hears again when the exchange was deleted under it', async () => {
    await using names = rabbitNames(url)
    const { prefix } = names
    await using broker = new RabbitBroker({ url, prefix, bindEveryMs: 50, log: silentLog() })
    await eventually(() => broker.state === 'ready')
    let heard = 0
    await using _ = await broker.subscribeEvents('#', () => void heard++)
    await names.asOperator((channel) => channel.deleteExchange(names.events))
    await eventually(() => {
      broker.publishEvent('a', sample(1))
      return heard > 0
    })
  })

  test('says which queue exists with other arguments, and begins when it is gone', async () => {
    await using names = rabbitNames(url)
    await names.asOperator((channel) => channel.assertQueue(names.commits, { durable: true }))
    const { log, lines } = recordedLog()
    const { prefix } = names
    await using broker = new RabbitBroker({ url, prefix, confirmWithinMs: 200, log })
    const clear = new RegExp(`the queue ${names.commits} exists with other arguments`)
    await eventually(() => lines.some((line) => clear.test(line)))
    const publish = broker.publishCommit(newId('event'))
    await assert.rejects(publish, { code: 'unavailable', message: clear })
    assert.equal(broker.state, 'connecting')
    await names.asOperator((channel) => channel.deleteQueue(names.commits))
    await eventually(() => broker.state === 'ready')
    await broker.publishCommit(newId('event'))
  })
})
