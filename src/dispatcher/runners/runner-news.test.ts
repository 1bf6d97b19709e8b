import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { openTestStore } from '../../../test/support/test-store.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { silentLog } from '../../lib/log.ts'
import type { StoreWriter } from '../../store/store.ts'
import { newRunner } from './new-runner.ts'
import type { RunnerLink } from './runner-link.ts'
import { RunnerNews } from './runner-news.ts'

test('what is known of a runner last is written last, however slow a write is', async () => {
  await using store = await openTestStore()
  let record: Runner = newRunner({ name: 'one', link: { kind: 'in-process' } }, undefined)
  await store.transact((write) => write.runners.save(record))
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const written: Runner['state'][] = []
  const news = new RunnerNews({
    recorder: {
      record: async <Result>(work: (write: StoreWriter) => Promise<Result>) => {
        const note: StoreWriter['runners']['note'] = async (seen, by) => {
          // The statement is made; the first takes its time on the way.
          await gates[written.push(seen.state) - 1]?.promise
          return (await store.transact((write) => write.runners.note(seen, by))).result
        }
        return await work({ runners: { note } } as StoreWriter)
      },
    },
    log: silentLog(),
    dispatcherId: () => 'dispatcher_1',
  })
  const link = {
    get record() {
      return record
    },
  } as RunnerLink
  const writes = [news.write(link)]
  await eventually(() => written.length === 1)
  for (const state of ['draining', 'set_aside', 'online'] as const) {
    record = { ...record, state }
    writes.push(news.write(link))
  }
  gates[1]?.resolve()
  gates[0]?.resolve()
  await Promise.all(writes)
  assert.equal((await store.runners.find('one'))?.state, 'online')
  // Those that had not begun became one.
  assert.deepEqual(written, ['offline', 'online'])
})
