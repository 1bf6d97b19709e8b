import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENT_KINDS } from '../../core/commit-event.ts'
import { statusContext, statusState } from '../../core/commit-status.ts'
import { EVENT_ACTIONS } from '../../core/event-actions.ts'
import { OUTCOMES } from '../../core/outcome.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import type { ForgeLinkRecord, SentStatusRecord } from '../records.ts'
import type { Store, StoreWriter } from '../store.ts'
import { anEvent, aPipeline, aRepository, type OpenDatabase, openWorld } from './fixtures.ts'

const SHA = 'a'.repeat(40)

async function openLinked(open: OpenDatabase) {
  const world = await openWorld(open)
  const repository = aRepository()
  const link: ForgeLinkRecord = {
    repositoryId: repository.id,
    forge: 'gitea',
    apiUrl: 'https://git.example.com/api/v1',
    project: 'acme/app',
    token: 'sealed',
    createdAt: 2000,
  }
  await world.store.transact(async (write) => {
    await write.repositories.insert(repository, [])
    await write.forgeLinks.save(link)
  })
  const add = async (event: Parameters<typeof anEvent>[1] = {}, createdAt = 3000) => {
    const accepted = anEvent(repository.id, { sha: SHA, ...event })
    const { result } = await world.store.transact(async (write) => {
      await write.events.accept([accepted])
      return await write.pipelines.create(aPipeline(accepted, { createdAt }))
    })
    return result.pipeline
  }
  return { ...world, repository, link, add, store: world.store }
}

const listUnsent = async (store: Store, since = 0) =>
  (await store.statuses.listUnsent({ by: 'dispatcher_me', since, limit: 10 })).map(({ id }) => id)

function sent(pipeline: Pipeline, over: Partial<SentStatusRecord> = {}): SentStatusRecord {
  const { repositoryId, id: pipelineId, number } = pipeline
  const key = { repositoryId, sha: SHA, context: 'narwhal' }
  return { ...key, pipelineId, number, state: 'pending', sentAt: 4000, ...over }
}

export function statusesContract(open: OpenDatabase): void {
  test('keeps where statuses are sent while the repository is registered', async () => {
    await using world = await openLinked(open)
    const { store, repository, link } = world
    assert.deepEqual(await store.forgeLinks.find(repository.id), link)
    const changed = { ...link, project: 'acme/moved', token: 'other', forge: 'gitlab' } as const
    await store.transact((write) => write.forgeLinks.save({ ...changed, createdAt: 9000 }))
    assert.deepEqual(await store.forgeLinks.list(), [changed])
    await store.transact((write) => write.repositories.remove(repository.id))
    assert.deepEqual(await store.forgeLinks.list(), [])
    await store.transact((write) => write.forgeLinks.save(link))
    await store.transact((write) => write.forgeLinks.remove(repository.id))
    assert.equal(await store.forgeLinks.find(repository.id), undefined)
  })

  test('notes once that a forge refuses a token, and gives its trial to one who asks', async () => {
    await using world = await openLinked(open)
    const { store, repository, link } = world
    const { id: repositoryId } = repository
    const refusal = { since: 5000, words: 'it answered 401', of: 'status' } as const
    const set = async (
      ...given: Parameters<StoreWriter['forgeLinks']['setRefusal']>
    ): Promise<boolean> =>
      (await store.transact((write) => write.forgeLinks.setRefusal(...given))).result
    assert.equal(await set({ ...link, token: 'a former one' }, refusal), false)
    assert.equal(await set(link, refusal), true)
    assert.equal(await set(link, { ...refusal, since: 6000 }), false)
    assert.deepEqual(await store.forgeLinks.find(repositoryId), { ...link, refusal })
    assert.equal(await set(link, undefined), true)
    assert.equal(await set(link, undefined), false)
    const claim = async (before: number, at: number): Promise<boolean> =>
      (await store.transact((write) => write.forgeLinks.claimTrial({ repositoryId, before, at })))
        .result
    assert.equal(await claim(2000, 9000), false)
    assert.equal(await claim(2001, 9000), true)
    assert.equal(await claim(9000, 9500), false)
    assert.deepEqual(await store.forgeLinks.list(), [{ ...link, triedAt: 9000 }])
    // Another token is another matter.
    assert.equal(await set(link, refusal), true)
    await store.transact((write) => write.forgeLinks.save({ ...link, token: 'other' }))
    assert.deepEqual(await store.forgeLinks.find(repositoryId), { ...link, token: 'other' })
  })

  test('lists pipelines whose state differs from what was sent, since they were linked', async () => {
    await using world = await openLinked(open)
    const { store, add } = world
    await add({ ref: 'refs/heads/before' }, 1000)
    const pipeline = await add()
    assert.deepEqual(await listUnsent(store), [pipeline.id])
    assert.deepEqual(await listUnsent(store, 3001), [])
    const earlier = { by: 'dispatcher_me', since: 0, before: 3000, limit: 10 } as const
    assert.deepEqual(await store.statuses.listUnsent(earlier), [])
    assert.equal((await store.statuses.listUnsent({ ...earlier, before: 3001 })).length, 1)
    const note = (over: Partial<SentStatusRecord> = {}) =>
      store.transact((write) => write.statuses.note(sent(pipeline, over)))
    await note()
    assert.deepEqual(await listUnsent(store), [])
    let last = pipeline
    for (const state of [
      { status: 'running', startedAt: 5 } as const,
      ...OUTCOMES.map((outcome) => ({ status: 'finished', outcome, finishedAt: 6 }) as const),
    ]) {
      const saving = { ...last, state }
      last = (await store.transact((write) => write.pipelines.save(saving))).result
      assert.deepEqual(await listUnsent(store), [pipeline.id], JSON.stringify(state))
      const outcome = 'outcome' in state ? state.outcome : undefined
      await note({
        state: statusState({
          status: state.status,
          outcome,
          isAwaited: false,
          isShort: false,
          skippedIsOpen: false,
        }),
      })
      assert.deepEqual(await listUnsent(store), [], JSON.stringify(state))
    }
  })

  test('a skipped pipeline has another status where the repository is configured so', async () => {
    await using world = await openLinked(open)
    const { store, add, repository } = world
    const pipeline = await add()
    const skipped = { status: 'finished', outcome: 'skipped', finishedAt: 6 } as const
    await store.transact((write) => write.pipelines.save({ ...pipeline, state: skipped }))
    const note = (state: SentStatusRecord['state']) =>
      store.transact((write) => write.statuses.note(sent(pipeline, { state })))
    await note('skipped')
    assert.deepEqual(await listUnsent(store), [])
    await store.transact((write) =>
      write.repositories.setStrangerRules(repository.id, { skippedIsOpen: true }),
    )
    assert.deepEqual(await listUnsent(store), [pipeline.id])
    const standing = { status: 'finished', outcome: 'skipped' } as const
    await note(statusState({ ...standing, isAwaited: false, isShort: false, skippedIsOpen: true }))
    assert.deepEqual(await listUnsent(store), [])
  })

  test('of the pipelines of one commit only the newest is unsent; a pull request is apart', async () => {
    await using world = await openLinked(open)
    const { store, add } = world
    const first = await add()
    const second = await add({ ref: 'refs/heads/other' })
    const pull = await add({ kind: 'pull_request', ref: 'refs/pull/1/head' })
    await store.transact((write) => write.statuses.note(sent(second)))
    assert.deepEqual(await listUnsent(store), [pull.id])
    await store.transact((write) => write.statuses.note(sent(first, { state: 'success' })))
    const key = sent(second)
    assert.deepEqual(await store.statuses.find(key), key)
    const context = statusContext({ kind: 'pull_request' })
    const error = 'it answered 404'
    const refused = sent(pull, { context, error, sentAt: 5000 })
    await store.transact((write) => write.statuses.note(refused))
    assert.deepEqual(await store.statuses.findLast(world.repository.id), refused)
    assert.deepEqual(await listUnsent(store), [])
    // What was refused may be taken under another link.
    await store.transact((write) => write.forgeLinks.save(world.link))
    assert.deepEqual(await listUnsent(store), [pull.id])
  })

  test('each kind of event, and each part of a file, has the status that core says', async () => {
    await using world = await openLinked(open)
    const { store, add } = world
    const shas = 'abcdef0123456789'
    const events = [
      ...EVENT_KINDS.map((kind) => ({ kind })),
      ...EVENT_ACTIONS.pull_request.map((part) => ({ kind: 'pull_request' as const, part })),
    ]
    for (const [index, { kind, ...more }] of events.entries()) {
      const sha = (shas[index] ?? '').repeat(40)
      // What people write doesn't look like a part.
      const request = { labels: ['"part":"closed"', '{"part":"edited"}'] }
      const pipeline = await add({ kind, sha, details: { request, ...more } })
      const context = statusContext({ kind, ...more })
      assert.deepEqual(await listUnsent(store), [pipeline.id])
      const told = sent(pipeline, { sha, context })
      await store.transact((write) => write.statuses.note(told))
      assert.deepEqual(await listUnsent(store), [], context)
    }
  })

  test("another dispatcher's pipelines are unsent here only when its seat has ended", async () => {
    await using world = await openLinked(open)
    const { store, add } = world
    const seat = { id: 'dispatcher_other', startedAt: 1 } as const
    await store.transact((write) => write.dispatchers.takeSeat(seat))
    const { id } = await add()
    await store.transact((write) => write.pipelines.take(id, seat.id))
    assert.deepEqual(await listUnsent(store), [])
    await store.transact((write) => write.dispatchers.endSeats([seat]))
    assert.deepEqual(await listUnsent(store), [id])
  })
}
