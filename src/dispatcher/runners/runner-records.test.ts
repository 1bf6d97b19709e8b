import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { openTestStore } from '../../../test/support/test-store.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { silentLog } from '../../lib/log.ts'
import type { StoreWriter } from '../../store/store.ts'
import { newRunner } from './new-runner.ts'
import type { RunnerLink } from './runner-link.ts'
import { RunnerRecords } from './runner-records.ts'

test('the newest record of a runner is written last, however slow a write is', async () => {
  await using store = await openTestStore()
  let record: Runner = newRunner({ name: 'one', link: { kind: 'in-process' } }, undefined)
  await store.transact((write) => write.runners.save(record))
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const written: Runner['state'][] = []
  const records = new RunnerRecords({
    recorder: {
      record: async <Result>(work: (write: StoreWriter) => Promise<Result>) => {
        const note: StoreWriter['runners']['note'] = async (seen, by) => {
          // The first statement is slow.
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
  const writes = [records.write(link)]
  await eventually(() => written.length === 1)
  for (const state of ['draining', 'set_aside', 'online'] as const) {
    record = { ...record, state }
    writes.push(records.write(link))
  }
  gates[1]?.resolve()
  gates[0]?.resolve()
  await Promise.all(writes)
  assert.equal((await store.runners.find('one'))?.state, 'online')
  // Those that had not begun were merged.
  assert.deepEqual(written, ['offline', 'online'])
})

test('when a runner was last seen is written once an hour, also of an idle one', async () => {
  const HOUR = 3_600_000
  let record: Runner = newRunner({ name: 'one', link: { kind: 'in-process' } }, undefined)
  const link = {
    id: record.id,
    get record() {
      return record
    },
  } as RunnerLink
  const written: (number | undefined)[] = []
  const records = new RunnerRecords({
    recorder: {
      record: async <Result>(work: (write: StoreWriter) => Promise<Result>) => {
        const note: StoreWriter['runners']['note'] = async ({ lastSeenAt }) =>
          written.push(lastSeenAt) > 0
        return await work({ runners: { note } } as StoreWriter)
      },
    },
    log: silentLog(),
    dispatcherId: () => 'dispatcher_1',
  })
  const seen = [HOUR, HOUR + 5_000, 2 * HOUR - 1, 2 * HOUR, 2 * HOUR + 5_000]
  for (const lastSeenAt of seen) {
    record = { ...record, state: 'online', lastSeenAt }
    records.onChange(link)
    await new Promise((resolve) => void setImmediate(resolve))
  }
  assert.deepEqual(written, [HOUR, 2 * HOUR])
})
