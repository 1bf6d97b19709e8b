import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import type { EventMessage } from '../contract/live/event-message.ts'
import type { Broker } from './broker.ts'

/** The contract of a queue of events; a part of `brokerContract`. */
export function eventsContract(
  name: string,
  openReady: () => Promise<Broker>,
  skip: string | false,
): void {
  describe(`${name}, as a queue of events`, { skip }, () => {
    test('sends every subscriber every event whose topic matches, in order', async () => {
      await using broker = await openReady()
      const heard: Record<string, string[]> = {}
      const patterns = ['#', 'job.*', 'job.job_1', '*.*', 'pipeline.#', 'nothing', 'job', '#.job_1']
      await using subscriptions = new AsyncDisposableStack()
      for (const pattern of patterns) {
        const topics: string[] = []
        heard[pattern] = topics
        subscriptions.use(await broker.subscribeEvents(pattern, (topic) => void topics.push(topic)))
      }
      const topics = ['job.job_1', 'pipeline.pipeline_1', 'job.job_2', 'end']
      for (const topic of topics) broker.publishEvent(topic, sample(1))
      await eventually(() => heard['#']?.length === topics.length)
      await eventually(() =>
        assert.deepEqual(heard, {
          '#': topics,
          'job.*': ['job.job_1', 'job.job_2'],
          'job.job_1': ['job.job_1'],
          '*.*': ['job.job_1', 'pipeline.pipeline_1', 'job.job_2'],
          'pipeline.#': ['pipeline.pipeline_1'],
          nothing: [],
          job: [],
          '#.job_1': ['job.job_1'],
        }),
      )
    })

    test('carries the whole message', async () => {
      await using broker = await openReady()
      const got: EventMessage[] = []
      await using _ = await broker.subscribeEvents('log.*', (_topic, it) => void got.push(it))
      broker.publishEvent('log.job_1', sample(7))
      await eventually(() => got.length === 1)
      assert.deepEqual(got, [sample(7)])
    })

    test('carries a message that is far longer than a frame of the network', async () => {
      await using broker = await openReady()
      const got: EventMessage[] = []
      await using _ = await broker.subscribeEvents('log.*', (_topic, it) => void got.push(it))
      const long = sample(7, 'é'.repeat(4_000_000))
      broker.publishEvent('log.job_1', long)
      broker.publishEvent('log.job_1', sample(8))
      await eventually(() => got.length === 2)
      assert.deepEqual(got, [long, sample(8)])
    })

    test('never calls the listener from inside publishEvent', async () => {
      await using broker = await openReady()
      let heard = 0
      await using _ = await broker.subscribeEvents('a', () => void heard++)
      broker.publishEvent('a', sample(1))
      assert.equal(heard, 0)
      await eventually(() => heard === 1)
    })

    test('keeps a listener that throws from harming the others', async () => {
      await using broker = await openReady()
      let heard = 0
      const fail = () => {
        throw new Error('a bad listener')
      }
      await using _bad = await broker.subscribeEvents('a', fail)
      await using _good = await broker.subscribeEvents('a', () => void heard++)
      broker.publishEvent('a', sample(1))
      broker.publishEvent('a', sample(2))
      await eventually(() => heard === 2)
    })

    test('sends a disposed subscriber nothing more', async () => {
      await using broker = await openReady()
      const heard = { gone: 0, there: 0 }
      const gone = await broker.subscribeEvents('a', () => void heard.gone++)
      await using _ = await broker.subscribeEvents('a', () => void heard.there++)
      broker.publishEvent('a', sample(1))
      await eventually(() => assert.deepEqual(heard, { gone: 1, there: 1 }))
      await gone[Symbol.asyncDispose]()
      broker.publishEvent('a', sample(2))
      await eventually(() => heard.there === 2)
      assert.equal(heard.gone, 1)
    })

    test('bears a burst of events and an impossible topic', async () => {
      await using broker = await openReady()
      const heard = new Set<string>()
      await using _ = await broker.subscribeEvents('#', (topic) => void heard.add(topic))
      for (let i = 0; i < 50_000; i++) broker.publishEvent('burst', sample(i))
      broker.publishEvent('x'.repeat(1_000), sample(1))
      await eventually(() => {
        broker.publishEvent('after', sample(2))
        return heard.has('after')
      })
      assert.ok(heard.has('burst'))
      assert.ok(((await broker.stats())?.eventsDropped ?? 0) > 0)
    })

    test('refuses a pattern that no broker takes', async () => {
      await using broker = await openReady()
      await assert.rejects(
        broker.subscribeEvents('x'.repeat(256), () => {}),
        { code: 'invalid' },
      )
    })
  })
}

/** A small event, identified by its number. */
export function sample(n: number, text = `line ${n}`): EventMessage {
  return {
    v: 1,
    event: {
      type: 'log.appended',
      jobId: 'job_1',
      attempt: 1,
      lines: [{ number: n, at: 1, step: 0, stream: 'stdout', text }],
    },
  }
}
