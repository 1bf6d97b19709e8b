import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedBroker } from '../broker/embedded.ts'
import { NarwhalError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import type { Store } from '../store/store.ts'
import { Announcer } from './announcer.ts'
import { Recorder } from './recorder.ts'

/** A store of which only `transact` is used: it fails with the given errors, then succeeds. */
function failingStore(...errors: NarwhalError[]): Pick<Store, 'transact'> {
  return {
    transact: async () => {
      const error = errors.shift()
      if (error) throw error
      return { result: 'done' as never, changes: [] }
    },
  }
}

async function record(store: Pick<Store, 'transact'>, signal: AbortSignal): Promise<unknown> {
  const log = silentLog()
  await using broker = new EmbeddedBroker(log)
  const announcer = new Announcer({ broker, log })
  const recorder = new Recorder({ store: store as Store, announcer, log, signal })
  return await recorder.record(async () => 'done')
}

const away = (): NarwhalError => new NarwhalError('unavailable', 'away')

test('keeps a write until the store is back', async () => {
  const store = failingStore(away(), new NarwhalError('exhausted', 'disk full'), away())
  assert.equal(await record(store, new AbortController().signal), 'done')
})

test('gives a conflict to whoever can compute anew', async () => {
  const store = failingStore(new NarwhalError('conflict', 'newer'))
  await assert.rejects(record(store, new AbortController().signal), { code: 'conflict' })
})

test('stops trying when the dispatcher stops', async () => {
  const stop = new AbortController()
  stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
  await assert.rejects(record(failingStore(away(), away()), stop.signal), { code: 'cancelled' })
})
