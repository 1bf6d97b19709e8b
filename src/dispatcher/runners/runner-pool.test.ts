import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRouterTransport } from '@connectrpc/connect'
import { eventually } from '../../../test/support/eventually.ts'
import { openTestStore } from '../../../test/support/test-store.ts'
import { TESTER } from '../../../test/support/tester.ts'
import { EmbeddedBroker } from '../../broker/embedded.ts'
import { RunnerService } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { silentLog } from '../../lib/log.ts'
import type { Store } from '../../store/store.ts'
import { EventPublisher } from '../ledger/event-publisher.ts'
import { Recorder } from '../ledger/recorder.ts'
import type { Connector } from './connector.ts'
import { inProcessConnector } from './in-process-connector.ts'
import { RunnerPool } from './runner-pool.ts'

async function openPool(store: Store) {
  const log = silentLog()
  const stop = new AbortController()
  const broker = new EmbeddedBroker(log)
  const publisher = new EventPublisher({ broker, log })
  const recorder = new Recorder({ store, publisher, log, signal: stop.signal })
  const dispatcherId = () => 'dispatcher_1' as const
  const onOrphans = () => undefined
  const pool = new RunnerPool({ store, recorder, publisher, log, dispatcherId, onOrphans })
  return {
    pool,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await pool[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    },
  }
}

/** A runner of one slot; `watched` counts the open streams of its load. */
function idleRunner(drained: () => Promise<void> = async () => {}) {
  const seen = { watched: 0 }
  const transport = createRouterTransport(({ service }) => {
    service(RunnerService, {
      describe: () => ({ instanceId: 'i' }),
      watchLoad: async function* (_, { signal }) {
        // By the signal: a generator suspended at its `yield` stays there when the caller disconnects.
        if (signal.aborted) return
        seen.watched++
        const end = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve()),
        )
        void end.then(() => seen.watched--)
        yield { instanceId: 'i', slots: 1 }
        await end
      },
      drain: async () => {
        await drained()
        return {}
      },
    })
  })
  return { seen, connector: inProcessConnector(transport) satisfies Connector }
}

const ONE = { name: 'one', link: { kind: 'in-process' } } as const

test('a runner that registers twice at once has one link', async () => {
  await using store = await openTestStore()
  const runners = [idleRunner(), idleRunner(), idleRunner()] as const
  const [former, first, second] = runners
  let isOnline = false
  const closing = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const slow: Connector = {
    balanced: false,
    connect: () => ({
      ...former.connector.connect(),
      [Symbol.asyncDispose]: async () => {
        if (!isOnline) return
        closing.resolve()
        await closed.promise
      },
    }),
  }
  {
    await using opened = await openPool(store)
    const { pool } = opened
    await pool.register(ONE, TESTER, slow)
    await eventually(() => pool.candidates()[0]?.state === 'online')
    isOnline = true
    const registering = Promise.all([
      pool.register(ONE, TESTER, first.connector),
      pool.register(ONE, TESTER, second.connector),
    ])
    await closing.promise
    // After everything that the two are writing.
    for (let i = 0; i < 3; i++) await store.transact(async () => {})
    closed.resolve()
    await registering
    await eventually(() => second.seen.watched === 1)
  }
  await eventually(() => runners.every(({ seen }) => seen.watched === 0), {
    message: 'the end of every link',
    timeoutMs: 5_000,
  })
})

test('a runner that is removed while it drains stays removed', async () => {
  await using store = await openTestStore()
  await using opened = await openPool(store)
  const { pool } = opened
  const asked = Promise.withResolvers<void>()
  const drained = Promise.withResolvers<void>()
  const { connector } = idleRunner(async () => {
    asked.resolve()
    await drained.promise
  })
  const { id } = await pool.register(ONE, TESTER, connector)
  const draining = pool.drain(id, true, TESTER)
  await asked.promise
  await pool.remove(id, TESTER)
  drained.resolve()
  await draining
  assert.deepEqual(await store.runners.list(), [])
})
