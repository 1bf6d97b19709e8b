import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '#root/test/support/test-store.ts'
import { EmbeddedBroker } from '../broker/embedded.ts'
import type { EventId, RepositoryId } from '../core/ids.ts'
import { silentLog } from '../lib/log.ts'
import { aRepository } from '../store/contract/fixtures.ts'
import type { Store } from '../store/store.ts'
import { Intake } from './intake.ts'
import type { Delivery } from './webhook/write-deliveries.ts'

/** An intake over a store that counts its transactions, with two repositories. */
async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const log = silentLog()
  const broker = stack.use(new EmbeddedBroker(log))
  const [one, other] = [aRepository(), aRepository()]
  await store.transact(async (write) => {
    for (const repository of [one, other]) await write.repositories.insert(repository, [])
  })
  const count = { transactions: 0 }
  const transact: Store['transact'] = (work) => {
    count.transactions++
    return store.transact(work)
  }
  const counting = { transact } as Store
  /** Where refs are at the git server, and how often that was asked. */
  const remote = new Map<string, string>()
  const asked: string[] = []
  const find = async (_: RepositoryId, ref: string): Promise<string> => {
    asked.push(ref)
    return remote.get(ref) ?? ''
  }
  const refs = { find }
  const intake = new Intake({ store: counting, broker, refs, log })
  const queued: EventId[] = []
  intake.publish = (id) => void queued.push(id)
  const owned = stack.move()
  const dispose = (): Promise<void> => owned.disposeAsync()
  return { store, intake, queued, one, other, count, remote, asked, [Symbol.asyncDispose]: dispose }
}

let deliveries = 0

function push(repositoryId: RepositoryId, sha: string, ref = 'refs/heads/main'): Delivery {
  const trust = {}
  const words = { title: 'Feed the whale', author: 'Ada' }
  const event = {
    repositoryId,
    kind: 'push',
    ref,
    sha,
    trust,
    source: 'webhook',
    ...words,
  } as const
  const content = { kind: 'commit', event } as const
  return { forge: 'github', deliveryId: `delivery-${deliveries++}`, repositoryId, content }
}

const sha = (index: number): string => index.toString(16).padStart(40, '0')

test('webhooks that come together share a transaction, and each has its own answer', async () => {
  await using world = await openWorld()
  const { store, intake, one, other } = world
  const first = push(one.id, sha(1))
  const known = await intake.acceptDelivery(first)
  world.count.transactions = 0
  const ping: Delivery = { ...push(one.id, sha(9)), content: { kind: 'ignored', reason: 'ping' } }
  const commits = Array.from({ length: 40 }, (_, index) =>
    push(index % 2 ? one.id : other.id, sha(index + 2), `refs/heads/b-${index}`),
  )
  const twice = push(other.id, sha(99))
  const replay = push(other.id, sha(99))
  const all = [first, push(one.id, sha(1)), ping, ...commits, twice, replay]
  const answers = await Promise.all(all.map((delivery) => intake.acceptDelivery(delivery)))
  assert.equal(world.count.transactions, 1)
  const { eventId } = known
  assert.deepEqual(answers.slice(0, 3), [
    { status: 'known', eventId },
    { status: 'known', eventId },
    { status: 'ignored', reason: 'ping' },
  ])
  const statuses = answers.slice(3).map(({ status }) => status)
  assert.deepEqual(statuses, [...commits.map(() => 'accepted'), 'accepted', 'known'])
  assert.equal(answers.at(-1)?.eventId, answers.at(-2)?.eventId)
  const created = answers.filter(({ status }) => status === 'accepted').map((one) => one.eventId)
  assert.deepEqual(world.queued, [eventId, ...created])
  for (const [index, { content }] of commits.entries()) {
    const event = await store.events.find(answers[index + 3]?.eventId ?? 'event_')
    assert.equal(event?.sha, content.kind === 'commit' && content.event.sha)
  }
  const ids = all.map(({ deliveryId }) => deliveryId)
  assert.equal((await store.deliveries.listByIds('github', ids)).length, ids.length)
  assert.deepEqual(await intake.acceptDelivery(ping), { status: 'ignored', reason: 'ping' })
})

test('a webhook whose repository was removed meanwhile fails alone', async () => {
  await using world = await openWorld()
  const { store, intake, one, other } = world
  await store.transact((write) => write.repositories.remove(other.id))
  const all = Array.from({ length: 9 }, (_, index) =>
    push(index === 4 ? other.id : one.id, sha(index)),
  )
  const ends = await Promise.allSettled(all.map((delivery) => intake.acceptDelivery(delivery)))
  for (const [index, end] of ends.entries()) {
    if (index === 4) assert.match(String(end.status === 'rejected' && end.reason), /registered/)
    else assert.equal(end.status === 'fulfilled' && end.value.status, 'accepted')
  }
  // The last one that came is where the branch is.
  assert.deepEqual(await store.heads.list(one.id), [{ ref: 'refs/heads/main', sha: sha(8) }])
})
