import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoreWriter } from '../store.ts'
import {
  anEvent,
  aPipeline,
  aRepository,
  type OpenDatabase,
  openWorld,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

export function repositoriesContract(open: OpenDatabase): void {
  test('keeps what was chosen about strangers, and whose pull requests were merged', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const other = await seedRepository(store)
    assert.deepEqual([repository.approval, repository.strangerAccounts], [undefined, undefined])
    const set = async (rules: Parameters<StoreWriter['repositories']['setStrangerRules']>[1]) => {
      await store.transact((write) => write.repositories.setStrangerRules(repository.id, rules))
      const { approval, strangerAccounts } = (await store.repositories.find(repository.id)) ?? {}
      return { approval, strangerAccounts }
    }
    const chosen = await set({ approval: 'all-strangers', strangerAccounts: [49, 2 ** 40] })
    assert.deepEqual(chosen, { approval: 'all-strangers', strangerAccounts: [49, 2 ** 40] })
    assert.deepEqual(await set({}), chosen)
    assert.deepEqual(await set({ strangerAccounts: [] }), {
      approval: 'all-strangers',
      strangerAccounts: undefined,
    })
    const more = async (rules: Parameters<StoreWriter['repositories']['setStrangerRules']>[1]) => {
      await set(rules)
      const { pipelineFiles, skippedIsOpen } = (await store.repositories.find(repository.id)) ?? {}
      return { pipelineFiles, skippedIsOpen }
    }
    const neither = { pipelineFiles: undefined, skippedIsOpen: undefined }
    assert.deepEqual(await more({}), neither)
    const careless = { pipelineFiles: 'run', skippedIsOpen: true } as const
    assert.deepEqual(await more(careless), careless)
    assert.deepEqual(await more({}), careless)
    assert.deepEqual(await more({ pipelineFiles: 'wait', skippedIsOpen: false }), {
      pipelineFiles: 'wait',
      skippedIsOpen: undefined,
    })
    const note = (actorId: number) =>
      store.transact((write) =>
        write.accounts.noteMerged({ repositoryId: repository.id, actorId, at: 5 }),
      )
    await note(8)
    await note(8)
    await note(2 ** 40)
    assert.deepEqual(
      await store.accounts.findMerged(repository.id, [8, 9, 2 ** 40]),
      new Set([8, 2 ** 40]),
    )
    assert.deepEqual(await store.accounts.findMerged(repository.id, []), new Set())
    assert.deepEqual(await store.accounts.findMerged(other.id, [8]), new Set())
    await store.transact((write) => write.repositories.remove(repository.id))
    assert.deepEqual(await store.accounts.findMerged(repository.id, [8]), new Set())
  })

  test('keeps the names of accounts for show, and under which one each was listed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const other = await seedRepository(store)
    const note = (id: number, name: string, at: number, isBot = true) =>
      store.transact((write) =>
        write.accounts.note({ repositoryId: repository.id, account: { id, name, isBot }, at }),
      )
    const list = (accounts: readonly number[]) =>
      store.transact((write) =>
        write.repositories.setStrangerRules(repository.id, { strangerAccounts: accounts }),
      )
    await note(2 ** 40, 'first[bot]', 1)
    await note(9, 'ada', 2, false)
    await note(2 ** 40, 'second[bot]', 3)
    const ofBot = { id: 2 ** 40, isBot: true } as const
    const ada = { id: 9, name: 'ada', listedName: 'ada', isBot: false, seenAt: 2 }
    assert.deepEqual(await store.accounts.list(repository.id), [
      { ...ofBot, name: 'second[bot]', listedName: 'first[bot]', seenAt: 3 },
      ada,
    ])
    await list([2 ** 40])
    await note(2 ** 40, 'third[bot]', 4)
    // To list others changes nothing of it.
    await list([2 ** 40, 9])
    assert.deepEqual(await store.accounts.list(repository.id), [
      { ...ofBot, name: 'third[bot]', listedName: 'second[bot]', seenAt: 4 },
      ada,
    ])
    assert.deepEqual(await store.accounts.list(other.id), [])
    await store.transact((write) => write.repositories.remove(repository.id))
    assert.deepEqual(await store.accounts.list(repository.id), [])
  })

  test('finds a repository by its id and by its name in any case', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository({ name: 'Acme/App', forgeId: 123_456_789_012 })
    await store.transact((write) => write.repositories.insert(repository, []))
    assert.deepEqual(await store.repositories.find(repository.id), repository)
    assert.deepEqual(await store.repositories.find('acme/aPP'), repository)
    assert.equal(await store.repositories.find('acme/other'), undefined)
    assert.equal(await store.repositories.find('acme/app\0'), undefined)
    assert.deepEqual(await store.repositories.list(), [repository])
  })

  test('finds those of many ids that are registered', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [one, two] = [await seedRepository(store), await seedRepository(store)]
    const gone = await seedRepository(store)
    await store.transact((write) => write.repositories.remove(gone.id))
    const found = await store.repositories.listByIds([
      two.id,
      'repo_none',
      gone.id,
      one.id,
      two.id,
      '\0',
    ])
    assert.deepEqual(
      new Map(found.map((each) => [each.id, each])),
      new Map([
        [one.id, one],
        [two.id, two],
      ]),
    )
    assert.deepEqual(await store.repositories.listByIds([]), [])
  })

  test('keeps the former webhook secret while it is being replaced', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store, { webhookSecret: 'first' })
    const other = await seedRepository(store)
    const find = async () => {
      const found = await store.repositories.find(repository.id)
      return [found?.webhookSecret, found?.formerSecret]
    }
    await store.transact((write) =>
      write.repositories.replaceWebhookSecret(repository.id, 'second', 7_000),
    )
    assert.deepEqual(await find(), ['second', { sealed: 'first', endsAt: 7_000 }])
    await store.transact((write) =>
      write.repositories.replaceWebhookSecret(repository.id, 'third', 8_000),
    )
    assert.deepEqual(await find(), ['third', { sealed: 'second', endsAt: 8_000 }])
    await store.transact((write) => write.repositories.endFormerSecrets([repository.id]))
    assert.deepEqual(await find(), ['third', undefined])
    assert.deepEqual(await store.repositories.find(other.id), other)
  })

  test('refuses a name that is taken in any case, with all of its transaction', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const first = await seedRepository(store, { name: 'acme/app' })
    const attempt = store.transact(async (write) => {
      await write.repositories.insert(aRepository({ name: 'acme/other' }), [])
      await write.repositories.insert(aRepository({ name: 'ACME/App' }), [])
    })
    await assert.rejects(attempt, {
      code: 'conflict',
      message: /"acme\/app" is already registered/,
    })
    assert.deepEqual(await store.repositories.list(), [first])
  })

  test('takes the same registration twice as one', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    await store.transact((write) => write.repositories.insert(repository, []))
    assert.deepEqual(await store.repositories.list(), [repository])
  })

  test('keeps the heads of a repository', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    const head = (name: string, digit: string) => ({
      ref: `refs/heads/${name}`,
      sha: digit.repeat(40),
    })
    const long = head('\u{1f40b}'.repeat(500), 'e')
    await store.transact((write) =>
      write.repositories.insert(repository, [head('main', 'a'), head('old', 'b')]),
    )
    const other = await seedRepository(store)
    const seen = [head('main', '0'), head('main', 'c'), head('new', 'd'), long, long]
    await store.transact(async (write) => {
      await write.events.accept([
        ...seen.map((one) => anEvent(repository.id, one)),
        anEvent(other.id, head('main', 'f')),
      ])
      await write.events.noteGone(
        [head('old', 'b'), head('never', 'b')].map(({ ref, sha }) => {
          return { repositoryId: repository.id, ref, before: sha, source: 'poll' }
        }),
      )
    })
    assert.deepEqual(await store.heads.list(other.id), [head('main', 'f')])
    const heads = await store.heads.list(repository.id)
    const expected = [head('main', 'c'), head('new', 'd'), long]
    assert.deepEqual(
      heads.toSorted((a, b) => a.sha.localeCompare(b.sha)),
      expected,
    )
  })

  test('keeps more heads than one statement could write', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    const refs = Array.from({ length: 3000 }, (_, index) => `refs/heads/branch-${index}`)
    const heads = refs.map((ref) => ({ ref, sha: 'a'.repeat(40) }))
    await store.transact((write) => write.repositories.insert(repository, heads))
    assert.equal((await store.heads.list(repository.id)).length, 3000)
    const gone = heads.slice(1).map(({ ref, sha: before }) => {
      return { repositoryId: repository.id, ref, before, source: 'poll' } as const
    })
    await store.transact((write) => write.events.noteGone(gone))
    assert.deepEqual(await store.heads.list(repository.id), heads.slice(0, 1))
  })

  test('neither finds nor accepts anything of a removed repository, but shows its pipelines', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { repository, pipeline } = await seedPipeline(store)
    const pending = anEvent(repository.id)
    await store.transact((write) => write.events.accept([pending]))
    await store.transact((write) => write.repositories.remove(repository.id))

    assert.equal(await store.repositories.find(repository.id), undefined)
    assert.equal(await store.repositories.find(repository.name), undefined)
    const { name: fullName } = repository
    const gone = await store.repositories.findOfForge('github', [{ forgeId: 1, fullName }])
    assert.deepEqual(gone, [[]])
    assert.deepEqual(await store.repositories.findOfForge('github', []), [])
    assert.deepEqual(await store.repositories.list(), [])
    assert.deepEqual(await store.events.listPending({ before: 1e12, limit: 10 }), [])
    const late = store.transact((write) => write.events.accept([anEvent(repository.id)]))
    await assert.rejects(late, { code: 'not_found' })
    assert.equal((await store.pipelines.find(pipeline.id))?.repository.name, fullName)
    assert.equal((await store.pipelines.findView(pipeline.id))?.repositoryName, fullName)

    const again = await seedRepository(store, { name: fullName })
    assert.deepEqual(await store.repositories.find(fullName), again)
  })

  test('refuses a pipeline of an event that is not there', async () => {
    await using world = await openWorld(open)
    const stray = aPipeline(anEvent('repo_none'))
    const attempt = world.store.transact((write) => write.pipelines.create(stray))
    await assert.rejects(attempt, { code: 'not_found' })
  })
}
