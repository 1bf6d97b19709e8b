import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REPLICA_LAG_MS } from '../../core/moves/match-telling.ts'
import type { Telling } from '../../core/moves/telling.ts'
import type { PipelineState } from '../../core/pipeline/pipeline.ts'
import { aPipeline, type OpenDatabase } from './fixtures.ts'
import { A, B, C, D, openTold, REQUEST } from './told-world.ts'

export function movesContract(open: OpenDatabase): void {
  test('takes a push back to an earlier commit for a new event, each time', async () => {
    await using world = await openTold(open)
    const { tell } = world
    assert.equal(await tell(A, { before: '' }), 'new')
    assert.equal(await tell(B, { before: A }), 'new')
    assert.equal(await tell(A, { before: B }), 'new')
    assert.equal(await world.position(), A)
    for (const before of ['', B]) assert.equal(await tell(A, { before }), 'known')
    // The same move a second time, or the first one told again.
    assert.equal(await tell(B, { before: A }), 'unsure, likely here')
    assert.equal(await tell(B, { before: C }), 'new')
    assert.equal(await tell(A, { before: B }), 'unsure, likely here')
    assert.equal(await tell(A, { before: '' }), 'unsure, likely elsewhere')
    assert.equal(await tell(A, { before: B, found: 'here' }), 'new')
    assert.equal(await tell(B, { before: A, found: 'elsewhere' }), 'known')
    assert.equal(await world.position(), A)
    assert.equal(await tell(B, { before: A, found: 'here' }), 'new')
    assert.equal(await world.position(), B)
    assert.equal(await tell(B, { before: A }), 'known')
  })

  test('tells the same move at two times apart, where the forge says when', async () => {
    await using world = await openTold(open)
    const { tell } = world
    assert.equal(await tell(A, { before: '', stamp: '1' }), 'new')
    assert.equal(await tell(B, { before: A, stamp: '2' }), 'new')
    // Told before the move back, without which it makes no sense.
    assert.equal(await tell(B, { before: A, stamp: '4' }), 'new')
    assert.equal(await tell(A, { before: B, stamp: '3' }), 'unsure, likely elsewhere')
    assert.equal(await tell(A, { before: B, stamp: '3', found: 'elsewhere' }), 'new')
    assert.equal(await world.position(), B)
    for (const stamp of ['2', '4']) assert.equal(await tell(B, { before: A, stamp }), 'known')
  })

  test('takes a branch that is made again for a new event', async () => {
    await using world = await openTold(open)
    const { tell, gone } = world
    assert.equal(await tell(A, { before: '' }), 'new')
    assert.equal(await gone(A), false)
    assert.equal(await world.position(), '')
    assert.equal(await tell(A, { before: '', found: 'here' }), 'new')
    assert.equal(await world.position(), A)
    // The deletion told again.
    assert.equal(await gone(B), true)
    assert.equal(await gone(B, { found: 'elsewhere' }), false)
    assert.equal(await world.position(), A)
    // Polled, each of them.
    assert.equal(await gone(A, { source: 'poll' }), false)
    assert.equal(await world.poll(A, ''), 'new')
  })

  test('takes a deletion that is told after the branch was made again for what it is', async () => {
    await using world = await openTold(open)
    await world.tell(A, { before: '' })
    assert.equal(await world.tell(C, { before: '' }), 'new')
    assert.equal(await world.gone(A), false)
    assert.equal(await world.position(), C)
  })

  test('knows moves that are told in the wrong order, and where the ref is', async () => {
    await using world = await openTold(open)
    assert.equal(await world.tell(A, { before: '' }), 'new')
    assert.equal(await world.tell(D, { before: C }), 'new')
    assert.equal(await world.tell(C, { before: B }), 'new')
    assert.equal(await world.tell(B, { before: A }), 'new')
    assert.equal(await world.position(), D)
    for (const [sha, before] of [
      [A, ''],
      [B, A],
      [C, B],
      [D, C],
    ] as const) {
      assert.equal(await world.tell(sha, { before, found: 'elsewhere' }), 'known')
    }
    // Nothing is missing any more: this is a move back.
    assert.equal(await world.tell(C, { before: D }), 'new')
    assert.equal(await world.position(), C)
  })

  test('completes what a poll has found, once', async () => {
    await using world = await openTold(open)
    assert.equal(await world.poll(A, '', { ref: REQUEST, kind: 'pull_request' }), 'new')
    const opened: Partial<Telling> = {
      ref: REQUEST,
      kind: 'pull_request',
      title: 'Feed the whale',
      author: 'ada',
      trust: { actorId: 7 },
      details: { targetBranch: 'main', toldAt: 5 },
    }
    const { event, isCompleted } = await world.accept(A, opened)
    assert.equal(isCompleted, true)
    const { id, repositoryId, sha, receivedAt } = event
    const kept = { id, repositoryId, sha, receivedAt, before: '' }
    assert.deepEqual(event, { ...kept, ...opened, source: 'webhook' })
    assert.deepEqual(await world.store.events.find(event.id), event)
    assert.equal(await world.tell(A, opened), 'known')
    // Another target is another event.
    const retargeted = { ...opened, details: { targetBranch: 'next' } }
    assert.equal(await world.tell(A, retargeted), 'new')
    for (const told of [opened, retargeted]) assert.equal(await world.tell(A, told), 'known')
  })

  test('lists a completed event until its pipeline has been planned again', async () => {
    await using world = await openTold(open)
    const { store } = world
    const { event } = await world.accept(A, { before: '', source: 'poll' })
    await store.transact((write) => write.pipelines.create(aPipeline(event)))
    const pending = async (): Promise<string[]> =>
      (await store.events.listPending({ before: 1e15, limit: 9 })).map(({ id }) => id)
    assert.deepEqual(await pending(), [])
    assert.equal(await world.tell(A, { before: '', details: { base: C } }), 'completed')
    assert.deepEqual(await pending(), [event.id])
    const { result } = await store.transact((write) => write.pipelines.create(aPipeline(event)))
    assert.deepEqual([result.created, result.isToReplan], [false, true])
    await store.transact((write) => write.events.endReplan(event.id))
    assert.deepEqual(await pending(), [])
  })

  test('takes what a poll missed for moves of their own', async () => {
    await using world = await openTold(open)
    assert.equal(await world.poll(A, ''), 'new')
    assert.equal(await world.poll(C, A), 'new')
    assert.equal(await world.tell(B, { before: A }), 'new')
    assert.equal(await world.position(), C)
    await world.tell(C, { before: B })
    assert.equal(await world.tell(C, { before: B }), 'known')
    assert.equal(await world.tell(A, { before: C }), 'new')
  })

  test('believes webhooks more than a poll of which they came in the middle', async () => {
    await using world = await openTold(open)
    await world.tell(A, { before: '' })
    await world.tell(B, { before: A })
    // It began when the ref was at A.
    assert.equal(await world.poll(B, A), 'known')
    await world.tell(C, { before: B })
    assert.equal(await world.poll(B, A), 'known')
    assert.equal(await world.position(), C)
  })

  test('believes a poll that sees a former commit only when no replica can be that far behind', async () => {
    await using world = await openTold(open)
    await world.tell(A, { before: '', receivedAt: 1_000 })
    await world.tell(B, { before: A, receivedAt: 2_000 })
    assert.equal(await world.poll(A, B, { receivedAt: 3_000 }), 'unsure, likely elsewhere')
    assert.equal(await world.position(), B)
    assert.equal(await world.poll(A, B, { receivedAt: 2_000 + REPLICA_LAG_MS }), 'new')
    assert.equal(await world.poll(B, A, { receivedAt: 2_001 + REPLICA_LAG_MS }), 'new')
  })

  test('takes each reopening of a pull request for an event, also told again', async () => {
    await using world = await openTold(open)
    const { store, repository } = world
    const request = { ref: REQUEST, kind: 'pull_request' } as const
    const close = () =>
      store.transact((write) =>
        write.events.noteClosed({ repositoryId: repository.id, ref: REQUEST, at: 9 }),
      )
    assert.equal(await world.tell(A, request), 'new')
    await close()
    const reopened = { ...request, occurrence: 'reopened 2026-01-02' }
    assert.equal(await world.tell(A, reopened), 'new')
    assert.equal(await world.tell(A, reopened), 'known')
    await close()
    assert.equal(await world.tell(A, { ...request, occurrence: 'reopened 2026-01-03' }), 'new')
    await close()
    // At a commit that a poll has seen since.
    assert.equal(await world.poll(B, A, request), 'new')
    assert.equal(await world.tell(B, { ...request, occurrence: 'reopened 2026-01-04' }), 'known')
    assert.equal(await world.poll(B, A, request), 'known')
    // The forge doesn't say when.
    const vague = { ...request, occurrence: 'reopened' }
    assert.equal(await world.tell(B, vague), 'new')
    assert.equal(await world.tell(B, vague), 'known')
    await close()
    assert.equal(await world.tell(B, vague), 'new')
  })

  test('takes what happens to a ref that stays for events of their own', async () => {
    await using world = await openTold(open)
    assert.equal(await world.tell(A, { before: '' }), 'new')
    for (const occurrence of ['labeled 1 bug', 'labeled 1 docs', 'labeled 2 bug']) {
      assert.equal(await world.tell(B, { occurrence }), 'new')
      assert.equal(await world.tell(B, { occurrence }), 'known')
    }
    assert.equal(await world.position(), A)
    assert.equal(await world.tell(B, { before: A }), 'new')
  })

  test('finds since when a branch has not been tested', async () => {
    await using world = await openTold(open)
    const { store } = world
    const cancelled = (reason: string) =>
      ({ status: 'finished', outcome: 'cancelled', reason, finishedAt: 1 }) as const
    const build = async (sha: string, before: string, state?: PipelineState) => {
      const base = before === '' ? {} : { details: { base: before } }
      const { event } = await world.accept(sha, { before, ...base })
      await store.transact(async (write) => {
        const { pipeline } = await write.pipelines.create(aPipeline(event))
        if (state) await write.pipelines.save({ ...pipeline, state })
      })
      return event
    }
    const success = { status: 'finished', outcome: 'success', finishedAt: 1 } as const
    await build(A, '', success)
    const first = await build(B, A, cancelled('superseded in c by pipeline #3'))
    assert.equal(await store.pipelines.findUntestedBase(first), undefined)
    const second = await build(C, B)
    assert.deepEqual(await store.pipelines.findUntestedBase(second), { base: A })
    const third = await build(D, C, cancelled('not needed'))
    assert.deepEqual(await store.pipelines.findUntestedBase(third), { base: A })
    // A person's decision.
    const fourth = await build(A, D)
    assert.equal(await store.pipelines.findUntestedBase(fourth), undefined)
    // A new branch, whose first push was superseded.
    const ref = 'refs/heads/topic'
    const { event: made } = await world.accept(A, { ref, before: '' })
    await store.transact((write) => write.pipelines.create(aPipeline(made)))
    const { event: next } = await world.accept(B, { ref, before: A, details: { base: A } })
    assert.deepEqual(await store.pipelines.findUntestedBase(next), {})
  })
}
