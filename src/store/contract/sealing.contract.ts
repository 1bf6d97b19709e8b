import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OpenDatabase, openWorld } from './fixtures.ts'

export function sealingContract(open: OpenDatabase): void {
  test('has one key of all that want to be it, for everybody', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    assert.equal(await world.store.sealing.findKey(), undefined)
    const claims = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const { result } = await stores[index % 2]!.transact((write) =>
          write.sealing.claimKey(`key ${index}`),
        )
        return result
      }),
    )
    assert.equal(new Set(claims).size, 1)
    assert.equal(await world.store.sealing.findKey(), claims[0])
  })
}
