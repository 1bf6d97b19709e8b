import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import type { EventId } from '../core/ids.ts'
import { newId } from '../lib/new-id.ts'
import { type Broker, MAX_DELIVERIES } from './broker.ts'

/** The contract of a queue of commits; a part of `brokerContract`. */
export function commitsContract(
  name: string,
  openReady: () => Promise<Broker>,
  skip: string | false,
): void {
  describe(`${name}, as a queue of commits`, { skip }, () => {
    test('delivers a commit once to the consumer that resolves', async () => {
      await using broker = await openReady()
      const got: EventId[] = []
      await using _ = await broker.consumeCommits(async (id) => void got.push(id), { prefetch: 10 })
      const ids = commitIds(20)
      await Promise.all(ids.map((id) => broker.publishCommit(id)))
      await eventually(() => got.length === ids.length)
      assert.deepEqual([...got].sort(), [...ids].sort())
      await eventually(async () => (await broker.stats())?.commitsReady === 0)
      assert.equal(got.length, ids.length)
    })

    test('keeps what nobody consumes yet', async () => {
      await using broker = await openReady()
      const ids = commitIds(3)
      for (const id of ids) await broker.publishCommit(id)
      await eventually(async () => (await broker.stats())?.commitsReady === 3)
      const got: EventId[] = []
      await using _ = await broker.consumeCommits(async (id) => void got.push(id), { prefetch: 1 })
      await eventually(() => assert.deepEqual(got, ids))
    })

    test('never calls the handler from inside publishCommit', async () => {
      await using broker = await openReady()
      let publishing = false
      let calledInside: boolean | undefined
      const handler = async () => {
        calledInside = publishing
      }
      await using _ = await broker.consumeCommits(handler, { prefetch: 1 })
      publishing = true
      const published = broker.publishCommit(newId('event'))
      publishing = false
      await published
      await eventually(() => calledInside !== undefined)
      assert.equal(calledInside, false)
    })

    test('gives a consumer no more than its prefetch at a time', async () => {
      await using broker = await openReady()
      const gate = Promise.withResolvers<void>()
      const flow = { now: 0, most: 0, done: 0 }
      const handler = async () => {
        flow.most = Math.max(flow.most, ++flow.now)
        await gate.promise
        flow.now--
        flow.done++
      }
      await using _ = await broker.consumeCommits(handler, { prefetch: 3 })
      await Promise.all(commitIds(8).map((id) => broker.publishCommit(id)))
      await eventually(() => flow.now === 3)
      await eventually(async () => (await broker.stats())?.commitsReady === 5)
      gate.resolve()
      await eventually(() => flow.done === 8)
      assert.equal(flow.most, 3)
    })

    test('gives each commit to one of several consumers, and each has its share', async () => {
      await using broker = await openReady()
      const gate = Promise.withResolvers<void>()
      const got: [EventId[], EventId[]] = [[], []]
      const consumer = (at: 0 | 1) => (id: EventId) => {
        got[at].push(id)
        return gate.promise
      }
      await using _one = await broker.consumeCommits(consumer(0), { prefetch: 2 })
      await using _two = await broker.consumeCommits(consumer(1), { prefetch: 2 })
      const ids = commitIds(4)
      await Promise.all(ids.map((id) => broker.publishCommit(id)))
      await eventually(() => got[0].length === 2 && got[1].length === 2)
      assert.deepEqual(got.flat().sort(), [...ids].sort())
      gate.resolve()
    })

    test('delivers a commit again when its handler rejects', async () => {
      await using broker = await openReady()
      const got: EventId[] = []
      const handler = async (id: EventId) => {
        if (got.push(id) === 1) throw new Error('not this time')
      }
      await using _ = await broker.consumeCommits(handler, { prefetch: 1 })
      const id = newId('event')
      await broker.publishCommit(id)
      await eventually(() => assert.deepEqual(got, [id, id]))
      await eventually(async () => {
        assert.partialDeepStrictEqual(await broker.stats(), { commitsReady: 0, commitsDead: 0 })
      })
    })

    test('takes a handler that throws for one that rejects', async () => {
      await using broker = await openReady()
      let calls = 0
      const handler = () => {
        if (++calls === 1) throw new Error('at once')
        return Promise.resolve()
      }
      await using _ = await broker.consumeCommits(handler, { prefetch: 1 })
      await broker.publishCommit(newId('event'))
      await eventually(() => calls === 2)
    })

    test('dead-letters a poison commit after MAX_DELIVERIES, while others flow', async () => {
      await using broker = await openReady()
      const [poison = assert.fail(), ...good] = commitIds(30)
      const got: EventId[] = []
      let poisoned = 0
      const handler = async (id: EventId) => {
        if (id !== poison) {
          got.push(id)
          return
        }
        poisoned++
        throw new Error('poison')
      }
      await using _ = await broker.consumeCommits(handler, { prefetch: 2 })
      await broker.publishCommit(poison)
      await Promise.all(good.map((id) => broker.publishCommit(id)))
      await eventually(() => got.length === good.length)
      await eventually(async () => (await broker.stats())?.commitsDead === 1)
      assert.equal(poisoned, MAX_DELIVERIES)
      assert.equal((await broker.stats())?.commitsReady, 0)
      await broker.publishCommit(newId('event'))
      await eventually(() => got.length === good.length + 1)
      assert.equal(poisoned, MAX_DELIVERIES)
    })

    test('gives a disposed consumer nothing more, and waits for its handlers in flight', async () => {
      await using broker = await openReady()
      const gate = Promise.withResolvers<void>()
      const first: EventId[] = []
      const consumer = await broker.consumeCommits(
        async (id) => {
          first.push(id)
          await gate.promise
        },
        { prefetch: 1 },
      )
      const [a = assert.fail(), b = assert.fail()] = commitIds(2)
      await broker.publishCommit(a)
      await eventually(() => first.length === 1)
      let disposed = false
      const disposing = consumer[Symbol.asyncDispose]().then(() => {
        disposed = true
      })
      await broker.publishCommit(b)
      const second: EventId[] = []
      await using _ = await broker.consumeCommits(async (id) => void second.push(id), {
        prefetch: 1,
      })
      await eventually(() => assert.deepEqual(second, [b]))
      assert.equal(disposed, false)
      gate.resolve()
      await disposing
      await eventually(async () => (await broker.stats())?.commitsReady === 0)
      assert.deepEqual([first, second], [[a], [b]])
    })

    test('refuses a prefetch below 1', async () => {
      await using broker = await openReady()
      for (const prefetch of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(
          broker.consumeCommits(async () => {}, { prefetch }),
          { code: 'invalid' },
        )
      }
    })
  })
}

function commitIds(count: number): EventId[] {
  return Array.from({ length: count }, () => newId('event'))
}
