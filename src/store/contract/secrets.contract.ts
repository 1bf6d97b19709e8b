import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecretRecord } from '../records.ts'
import { aRepository, type OpenDatabase, openWorld } from './fixtures.ts'

export function secretsContract(open: OpenDatabase): void {
  test("keeps secrets of all and of one repository, whose own come before everybody's", async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [one, other] = [aRepository(), aRepository()]
    const all = aSecret({ name: 'KEY' })
    const own = aSecret({ name: 'KEY', repositoryId: one.id, sealed: 'own', updatedBy: 'Ada' })
    const token = aSecret({ name: 'TOKEN' })
    await store.transact(async (write) => {
      for (const repository of [one, other]) await write.repositories.insert(repository, [])
      for (const secret of [token, all, own]) await write.secrets.save(secret)
    })
    assert.deepEqual(await store.secrets.list(), [all, token])
    assert.deepEqual(await store.secrets.list(one.id), [own])
    const names = ['TOKEN', 'KEY', 'MISSING']
    const found = async (id: typeof one.id) =>
      (await store.secrets.listFor(id, names)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepEqual(await found(one.id), [own, token])
    assert.deepEqual(await found(other.id), [all, token])
    assert.deepEqual(await store.secrets.listFor(one.id, []), [])

    const again = aSecret({ ...own, sealed: 'new', createdAt: 9, updatedAt: 9 })
    const { updatedBy: _, ...anonymous } = again
    await store.transact((write) => write.secrets.save(anonymous))
    assert.deepEqual(await store.secrets.list(one.id), [{ ...anonymous, createdAt: 1 }])

    const remove = (secret: Pick<SecretRecord, 'name' | 'repositoryId'>) =>
      store.transact((write) => write.secrets.remove(secret))
    assert.equal((await remove({ name: 'KEY' })).result, true)
    assert.equal((await remove({ name: 'KEY' })).result, false)
    assert.equal((await remove({ name: 'TOKEN', repositoryId: one.id })).result, false)
    assert.deepEqual(await store.secrets.list(), [token])
    await store.transact((write) => write.repositories.remove(one.id))
    assert.deepEqual(await store.secrets.list(one.id), [])
    assert.deepEqual(await store.secrets.list(), [token])
  })

  test('keeps what holds for a secret, until it is set anew', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const runners = ['runner_1', 'label:deploy']
    const kept = aSecret({ expiresAt: 1_900_000_000_000, runners, isNotMasked: true })
    await store.transact((write) => write.secrets.save(kept))
    assert.deepEqual(await store.secrets.list(), [kept])
    await store.transact((write) => write.secrets.save(aSecret({})))
    assert.deepEqual(await store.secrets.list(), [aSecret({})])
  })
}

function aSecret(over: Partial<SecretRecord>): SecretRecord {
  return { name: 'KEY', sealed: 'sealed', createdAt: 1, updatedAt: 1, ...over }
}
