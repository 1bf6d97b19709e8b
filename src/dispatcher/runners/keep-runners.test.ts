import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stage } from '#root/test/support/stage.ts'
import { silentLog } from '../../lib/log.ts'
import { removeLost } from './keep-runners.ts'

const DAY = 86_400_000

test('only runners that joined and have not been seen for long are removed', async () => {
  await using stage = await Stage.open()
  const { store } = stage
  const now = Date.now()
  const old = { state: 'offline', lastSeenAt: now - 8 * DAY } as const
  const attached = (identityHash: string) => ({ link: { kind: 'attached', identityHash } }) as const
  const dialled = { kind: 'dialled', url: 'http://far:1', balanced: false } as const
  await stage.addRunner({ name: 'lost', ...attached('a'), ...old })
  await stage.addRunner({ name: 'registered', link: dialled, ...old })
  await stage.addRunner({ name: 'there', ...attached('b'), state: 'online', lastSeenAt: 1 })
  await stage.addRunner({ name: 'lately', ...attached('c'), ...old, lastSeenAt: now - 6 * DAY })
  const pool = {
    remove: async (id: `runner_${string}`) => {
      await store.transact((write) => write.runners.remove(id))
    },
  }
  const parts = { store, pool, log: silentLog(), keepMs: 7 * DAY }
  assert.equal(await removeLost(parts, now), 1)
  const names = (await store.runners.list()).map(({ name }) => name)
  assert.deepEqual(names.sort(), ['lately', 'registered', 'there'])
})
