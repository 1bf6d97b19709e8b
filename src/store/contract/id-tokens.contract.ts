import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { TESTER } from '../../../test/support/tester.ts'
import { stateOfKey } from '../../core/id-token/id-token-keys.ts'
import {
  ensureIdTokenKeys,
  idTokenKeyPlace,
  retireIdTokenKey,
  rotateIdTokenKeys,
} from '../../vault/id-token-keys.ts'
import { Vault } from '../../vault/vault.ts'
import { aRepository, type OpenDatabase, openWorld } from './fixtures.ts'

export function idTokensContract(open: OpenDatabase): void {
  test('has one first key of all processes that want to make one, and one next', async () => {
    await using world = await openWorld(open)
    await using dir = await tempDir()
    const stores = [world.store, await world.connect()]
    const processes = []
    for (const store of stores) {
      processes.push({ store, vault: await Vault.open(store, dir.join('keys')) })
    }
    const made = await Promise.all(
      processes.flatMap((one) => [1, 2].map(() => ensureIdTokenKeys(one))),
    )
    const [[first] = []] = made
    assert.ok(first)
    for (const keys of made) assert.deepEqual(keys, [first])
    assert.equal(first.signsAt, first.createdAt)
    const { n } = JSON.parse(first.publicKey) as { n: string }
    for (const { vault } of processes) {
      const pem = vault.open(first.sealed, idTokenKeyPlace(first.kid))
      assert.match(pem, /^-----BEGIN PRIVATE KEY-----/)
    }
    assert.ok(Buffer.from(n, 'base64url').length === 256)

    await Promise.all(processes.map((one) => rotateIdTokenKeys(one, { now: false, by: TESTER })))
    const keys = await world.store.idTokens.listKeys()
    assert.equal(keys.length, 2)
    const now = Date.now()
    assert.deepEqual(
      keys.map((key) => stateOfKey(key, keys, now)),
      ['signing', 'waiting'],
    )
  })

  test('forgets the private half of a key with the last moment at which it is shown', async () => {
    await using world = await openWorld(open)
    await using dir = await tempDir()
    const { store } = world
    const deps = { store, vault: await Vault.open(store, dir.join('keys')) }
    const [first] = await ensureIdTokenKeys(deps)
    const [, second] = await rotateIdTokenKeys(deps, { now: true, by: TESTER })
    assert.ok(first && second)
    const states = async () => {
      const keys = await store.idTokens.listKeys()
      return keys.map((key) => [key.kid, stateOfKey(key, keys, Date.now()), key.sealed !== ''])
    }
    assert.deepEqual(await states(), [
      [first.kid, 'gone', false],
      [second.kid, 'signing', true],
    ])
    assert.equal(await retireIdTokenKey(deps, { kid: second.kid, by: TESTER }), true)
    assert.equal(await retireIdTokenKey(deps, { kid: 'nobody', by: TESTER }), false)
    assert.deepEqual((await states()).at(-1), [second.kid, 'gone', false])
    assert.equal((await ensureIdTokenKeys(deps)).length, 3)
  })

  test('writes the ids of a subject down once, whoever is first', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const other = await world.connect()
    const [one, two] = [aRepository(), aRepository()]
    assert.equal(await store.idTokens.findSubjectIds(one.id), undefined)
    const claims = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (ids, index) => {
        const { result } = await (index % 2 ? other : store).transact((write) =>
          write.idTokens.claimSubjectIds(one.id, ids),
        )
        return result
      }),
    )
    assert.equal(new Set(claims).size, 1)
    assert.equal(await other.idTokens.findSubjectIds(one.id), claims[0])
    await store.transact((write) => write.idTokens.claimSubjectIds(two.id, 'x'))
    assert.equal(await store.idTokens.findSubjectIds(two.id), 'x')
  })
}
