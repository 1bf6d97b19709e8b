import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { newId } from '../lib/new-id.ts'
import type { Broker } from './broker.ts'
import { commitsContract } from './commits.contract.ts'
import { eventsContract, sample } from './events.contract.ts'

export interface BrokerContractOptions {
  /** Why it can't run here. */
  readonly skip?: string | false
}

/** The contract of every broker. `open` opens one with new queues. */
export function brokerContract(
  name: string,
  open: () => Promise<Broker>,
  { skip = false }: BrokerContractOptions = {},
): void {
  const openReady = async () => {
    const broker = await open()
    await eventually(() => broker.state === 'ready')
    return broker
  }
  commitsContract(name, openReady, skip)
  eventsContract(name, openReady, skip)

  describe(`${name}, when it is closed`, { skip }, () => {
    test('waits for the handlers in flight, says so, and takes nothing more', async () => {
      const broker = await openReady()
      const states: string[] = []
      using _ = broker.onState((state) => void states.push(state))
      const gate = Promise.withResolvers<void>()
      let done = 0
      const handler = async () => {
        await gate.promise
        done++
      }
      let started = 0
      await broker.consumeCommits(() => (started++, handler()), { prefetch: 5 })
      for (const _id of [1, 2]) await broker.publishCommit(newId('event'))
      await eventually(() => started === 2)
      const disposing = broker[Symbol.asyncDispose]()
      assert.equal(broker.state, 'closed')
      const unavailable = { name: 'NarwhalError', code: 'unavailable' }
      await assert.rejects(broker.publishCommit(newId('event')), unavailable)
      assert.equal(done, 0)
      gate.resolve()
      await disposing
      assert.equal(done, 2)
      assert.deepEqual(states, ['closed'])
      await assert.rejects(broker.consumeCommits(handler, { prefetch: 1 }), unavailable)
      await assert.rejects(
        broker.subscribeEvents('#', () => {}),
        unavailable,
      )
      broker.publishEvent('a', sample(1))
      assert.equal(await broker.stats(), undefined)
      await broker[Symbol.asyncDispose]()
    })
  })
}
