import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RepositoryId } from '../../core/ids.ts'
import type { RepositoryChange, RepositoryRecord } from '../records.ts'
import {
  anEvent,
  aPipeline,
  type OpenDatabase,
  openWorld,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

export function repositoryChangesContract(open: OpenDatabase): void {
  test("finds a forge's repository by its id, and by a path whose id is not known", async () => {
    await using world = await openWorld(open)
    const { store } = world
    const at = (path: string) => `https://git.example.com/${path}.git`
    const known = await seedRepository(store, { cloneUrl: at('acme/renamed'), forgeId: 1 })
    const unknown = await seedRepository(store, { name: 'my/name', cloneUrl: at('acme/app') })
    await seedRepository(store, { cloneUrl: at('acme/plain'), forge: 'git' })
    const local = await seedRepository(store, { name: 'acme/local', cloneUrl: '/srv/app' })
    const find = async (forgeId: number, fullName: string) => {
      const others = [
        { forgeId: 1, fullName: 'acme/whatever' },
        { forgeId: 77, fullName: 'no/body' },
      ]
      const found = await store.repositories.findOfForge('github', [
        ...others,
        { forgeId, fullName },
        ...others,
      ])
      assert.deepEqual(found.toSpliced(2, 1), [[known], [], [known], []])
      return found[2]
    }
    assert.deepEqual(await find(1, 'acme/app'), [known, unknown])
    assert.deepEqual(await find(2, 'Acme/App'), [unknown])
    assert.deepEqual(await find(2, 'acme/local'), [local])
    // Its name here is Narwhal's own.
    assert.deepEqual(await find(2, 'my/name'), [])
    // A repository of that path was deleted at the forge and another one took the path.
    assert.deepEqual(await find(2, 'acme/renamed'), [])
    assert.deepEqual(await find(2, 'acme/plain'), [])

    const ids = { forgeId: 2, ownerId: 7, movedTo: 'acme/moved' }
    await store.transact((write) => write.repositories.setForgeIds(unknown.id, ids))
    const moved = { ...unknown, forgeId: 2, forgeOwnerId: 7, movedTo: 'acme/moved' }
    assert.deepEqual(await find(2, 'acme/whatever'), [moved])
    await store.transact((write) => write.repositories.setForgeIds(unknown.id, { forgeId: 2 }))
    assert.deepEqual(await find(2, 'acme/app'), [{ ...unknown, forgeId: 2, forgeOwnerId: 7 }])
  })

  test('two servers number and name their repositories independently', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const one = await seedRepository(store, { cloneUrl: 'https://one.example/acme/app' })
    const two = await seedRepository(store, { cloneUrl: 'git@two.example:acme/app.git' })
    const find = async () =>
      (await store.repositories.findOfForge('github', [{ forgeId: 7, fullName: 'acme/app' }]))[0]
    const sorted = (found: readonly RepositoryRecord[] = []) => found.map(({ id }) => id).sort()
    assert.deepEqual(sorted(await find()), [one.id, two.id].sort())
    for (const { id } of [one, two]) {
      await store.transact((write) => write.repositories.setForgeIds(id, { forgeId: 7 }))
      assert.deepEqual(sorted(await find()), [one.id, two.id].sort())
    }
  })

  test('a renamed repository keeps its pipelines and numbers, and no number is used twice under a name', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { repository, pipeline } = await seedPipeline(store)
    const change = (change: RepositoryChange) =>
      store.transact((write) => write.repositories.change(repository.id, change))
    const numberOfNext = async (id: RepositoryId) => {
      const event = anEvent(id)
      const { result } = await store.transact(async (write) => {
        await write.events.accept([event])
        return await write.pipelines.create(aPipeline(event))
      })
      const view = await store.pipelines.findView(result.pipeline.id)
      return `${view?.repositoryName}#${view?.number}`
    }
    const taken = await seedRepository(store, { name: 'acme/taken' })
    await assert.rejects(change({ name: 'ACME/Taken' }), { code: 'conflict' })
    await change({ name: 'acme/new' })
    assert.equal((await store.repositories.find('acme/new'))?.id, repository.id)
    assert.equal(await store.repositories.find(repository.name), undefined)
    assert.equal((await store.pipelines.findView(pipeline.id))?.repositoryName, 'acme/new')
    assert.equal(await numberOfNext(repository.id), 'acme/new#2')
    // Its former name is free, but not its former numbers.
    const successor = await seedRepository(store, { name: repository.name })
    assert.equal(await numberOfNext(successor.id), `${repository.name}#2`)
    // The name of a removed one, whose pipelines can still be read: those are told apart.
    await store.transact((write) => write.repositories.remove(successor.id))
    await change({ name: repository.name })
    assert.equal(await numberOfNext(repository.id), `${repository.name}#3`)
    const views = await store.pipelines.listViews({ limit: 10 })
    const names = views.map(({ repositoryName, number }) => `${repositoryName}#${number}`)
    assert.equal(new Set(names).size, names.length, names.join())
    assert.ok(names.includes(`${repository.name} (removed)#2`), names.join())
    assert.deepEqual(await store.repositories.find(taken.id), taken)
  })

  test('another repository at the forge has none of what is known of the former one', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const cloneUrl = 'https://one.example/acme/app'
    const repository = await seedRepository(store, { cloneUrl })
    const { id: repositoryId } = repository
    await store.transact(async (write) => {
      await write.repositories.setForgeIds(repositoryId, { forgeId: 7, movedTo: 'acme/moved' })
      await write.accounts.noteMerged({ repositoryId, actorId: 3, at: 1 })
    })
    const merged = async () => [...(await store.accounts.findMerged(repositoryId, [3]))]
    const changed = { cloneUrl: 'https://one.example/acme/moved', pollIntervalMs: 7 }
    await store.transact((write) => write.repositories.change(repositoryId, changed))
    const found = await store.repositories.find(repositoryId)
    assert.deepEqual(found, { ...repository, ...changed, forgeId: 7 })
    assert.deepEqual(await merged(), [3])
    const find = async (fullName: string) =>
      await store.repositories.findOfForge('github', [{ forgeId: 1, fullName }])
    await store.transact((write) => write.repositories.change(repositoryId, { isAnother: true }))
    assert.deepEqual(await store.repositories.find(repositoryId), { ...repository, ...changed })
    assert.deepEqual(await merged(), [])
    assert.deepEqual([await find('acme/app'), (await find('acme/moved'))[0]?.length], [[[]], 1])
  })
}
