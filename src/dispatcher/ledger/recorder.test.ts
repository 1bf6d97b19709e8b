import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedLog } from '#root/test/support/recorded-log.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { EmbeddedBroker } from '../../broker/embedded.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { aRunner } from '../../store/contract/fixtures.ts'
import type { Store, Uses } from '../../store/store.ts'
import { EventPublisher } from './event-publisher.ts'
import { Recorder } from './recorder.ts'

/** A store of which only `transact` is used: it fails with the given errors, then succeeds. */
function failingStore(...errors: NarwhalError[]): Uses<'transact'> {
  return {
    transact: async () => {
      const error = errors.shift()
      if (error) throw error
      return { result: 'done' as never, changes: [] }
    },
  }
}

async function record(store: Uses<'transact'>, signal: AbortSignal): Promise<unknown> {
  const log = silentLog()
  await using broker = new EmbeddedBroker(log)
  const publisher = new EventPublisher({ broker, log })
  const recorder = new Recorder({ store, publisher, log, signal })
  return await recorder.record(async () => 'done')
}

const away = (): NarwhalError => new NarwhalError('unavailable', 'away')

test('keeps a write until the store is back', async () => {
  const store = failingStore(away(), new NarwhalError('exhausted', 'disk full'), away())
  assert.equal(await record(store, new AbortController().signal), 'done')
})

test('passes a conflict on to the caller', async () => {
  const store = failingStore(new NarwhalError('conflict', 'newer'))
  await assert.rejects(record(store, new AbortController().signal), { code: 'conflict' })
})

test('stops trying when the dispatcher stops', async () => {
  const stop = new AbortController()
  stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
  await assert.rejects(record(failingStore(away(), away()), stop.signal), { code: 'cancelled' })
})

test('writes about several pipelines share a transaction, and one that is rejected fails alone', async () => {
  await using store = await openTestStore()
  const { log } = recordedLog()
  const published: number[] = []
  const publisher = {
    publishAll: (changes: readonly { seq: number }[]) => {
      published.push(...changes.map((c) => c.seq))
    },
  }
  let transactions = 0
  const transact: Store['transact'] = (work) => {
    transactions++
    return store.transact(work)
  }
  const { signal } = new AbortController()
  const recorder = new Recorder({ store: { transact }, publisher, log, signal })
  const save = (index: number): Promise<number> =>
    recorder.record(async (write) => {
      await write.runners.save(aRunner({ name: `runner-${index}` }))
      if (index === 13) throw new NarwhalError('stale', 'another has it')
      return index
    }, `pipeline_${index}`)
  const good = await Promise.all([3, 1, 2].map(save))
  assert.deepEqual([good, transactions], [[3, 1, 2], 1])
  const ends = await Promise.allSettled([10, 11, 12, 13, 14].map(save))
  assert.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? end.value : end.reason.code)),
    [10, 11, 12, 'stale', 14],
  )
  assert.equal(recorder.staleWrites, 1)
  assert.deepEqual(published, [1, 2, 3, 4, 5, 6, 7])
  assert.equal((await store.runners.list()).length, 7)
})
