import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChainCheck } from '../../contract/rest/audit-chain.ts'
import type { AuditEvent, Doer } from '../../core/audit/audit.ts'
import type { AuditQuery } from '../ports/audit.ts'
import type { Store } from '../store.ts'
import { aRunner, type OpenDatabase, openWorld } from './fixtures.ts'

const ANNA: Doer = {
  actor: { kind: 'person', id: 'user_1', name: 'anna' },
  address: '127.0.0.1',
  cause: 'PUT /api/v1/secrets/:secret',
}
const BERT: Doer = { ...ANNA, actor: { kind: 'token', id: 'token_1', name: 'bert' } }

function setSecret(name: string): AuditEvent {
  return { action: 'secret.set', subject: { id: name, name }, after: { scope: 'all', isNew: true } }
}

function givenTo(job: string, secrets: string[]): AuditEvent {
  const after = { runner: 'build-1', attempt: 1, secrets }
  return { action: 'job.given_secrets', subject: { id: job, name: 'deploy' }, after }
}

async function note(store: Store, by: Doer, ...events: AuditEvent[]): Promise<void> {
  await store.transact(async (write) => {
    for (const event of events) write.audit.add(by, event)
  })
}

/** Follows the whole chain; how many entries it has. */
async function follow(store: Store): Promise<number> {
  const head = await store.audit.head()
  const check = new ChainCheck({ seq: head.removed, hash: head.removedHash })
  const entries = await store.audit.read(head.removed, 10_000)
  for (const entry of entries) assert.equal(check.next(entry), undefined)
  assert.deepEqual([check.seq, check.hash], [head.last, head.hash])
  return entries.length
}

export function auditContract(open: OpenDatabase): void {
  test('writes down who has done what, in the transaction that does it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await note(store, ANNA, setSecret('DEPLOY_KEY'))
    const [entry] = (await store.audit.list({ limit: 10 })).entries
    assert.ok(entry && entry.at > 0)
    const { at: _, hash, ...rest } = entry
    assert.match(hash, /^[0-9a-f]{64}$/)
    assert.deepEqual(rest, {
      ...ANNA,
      seq: 1,
      action: 'secret.set',
      subject: { kind: 'secret', id: 'DEPLOY_KEY', name: 'DEPLOY_KEY' },
      after: { scope: 'all', isNew: true },
    })

    const failing = store.transact(async (write) => {
      write.audit.add(ANNA, setSecret('OTHER'))
      const runner = aRunner({ name: 'one' })
      await write.runners.save(runner)
      await write.runners.save({ ...runner, id: 'runner_2' })
    })
    await assert.rejects(failing)
    assert.equal((await store.audit.head()).last, 1)
    assert.equal(await follow(store), 1)
  })

  test('keeps of an event only the facts that its action has', async () => {
    await using world = await openWorld(open)
    const after = { scope: 'all', value: 'hunter2', isNew: 'hunter2', sealed: 'hunter2' }
    const event = { ...setSecret('A'), value: 'hunter2', before: { value: 'hunter2' }, after }
    await note(world.store, ANNA, event as unknown as AuditEvent)
    const { entries } = await world.store.audit.list({ limit: 10 })
    assert.deepEqual(entries[0]?.after, { scope: 'all' })
    assert.equal(entries[0]?.before, undefined)
    assert.ok(!JSON.stringify(entries).includes('hunter2'))
  })

  test('chains the entries of many writers, whatever text they have', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const odd = ['"\\\n\t', 'NUL \0', 'half \ud800', 'ünï 🐳 \u202e', "'); drop table audit; --"]
    const writes = stores.flatMap((store, index) =>
      odd.map((text) => {
        const by = { ...ANNA, actor: { ...ANNA.actor, name: text }, cause: text }
        return note(store, by, setSecret(`${text}${index}`), givenTo(text, [text, text, 'B']))
      }),
    )
    await Promise.all(writes)
    assert.equal(await follow(world.store), 20)
  })

  test('numbers state changes and entries that come together', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const writes = Array.from({ length: 20 }, async (_, index) => {
      await stores[index % 2]?.transact(async (write) => {
        write.audit.add(ANNA, setSecret(`S${index}`))
        await write.runners.save(aRunner({ id: `runner_${index}`, name: `runner-${index}` }))
      })
    })
    await Promise.all(writes)
    assert.equal(await follow(world.store), 20)
    assert.equal(await world.store.changes.last(), 20)
  })

  test('finds entries by who, what, to what, when and by secret, in pages', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await note(store, ANNA, setSecret('A'), setSecret('B'), givenTo('job_1', ['A', 'C']))
    await note(store, BERT, givenTo('job_2', ['B']), givenTo('job_2', ['A', 'B']), setSecret('A'))
    const find = async (query: Omit<AuditQuery, 'limit'>, limit = 2): Promise<number[]> => {
      const found: number[] = []
      for (let more: AuditQuery | undefined = { ...query, limit }; more; ) {
        const page = await store.audit.list(more)
        assert.ok(page.entries.length <= limit)
        found.push(...page.entries.map(({ seq }) => seq))
        more = page.next && { ...query, limit, before: page.next }
      }
      return found
    }
    assert.deepEqual(await find({}), [6, 5, 4, 3, 2, 1])
    assert.deepEqual(await find({ actor: 'bert' }), [6, 5, 4])
    assert.deepEqual(await find({ action: 'secret.set' }), [6, 2, 1])
    assert.deepEqual(await find({ subject: 'job_2' }), [])
    assert.deepEqual(await find({ subject: 'deploy' }), [5, 4, 3])
    assert.deepEqual(await find({ secret: 'A' }), [6, 5, 3, 1])
    assert.deepEqual(await find({ secret: 'A', action: 'job.given_secrets' }), [5, 3])
    assert.deepEqual(await find({ secret: 'B', actor: 'bert' }), [5, 4])
    assert.deepEqual(await find({ actor: 'bert', action: 'secret.set', subject: 'A' }, 1), [6])
    assert.deepEqual(await find({ secret: 'Z' }), [])
    const [sixth, , , , , first] = (await store.audit.list({ limit: 10 })).entries
    assert.deepEqual(await find({ since: (sixth?.at ?? 0) + 1 }), [])
    assert.deepEqual(await find({ until: first?.at ?? 0 }), [])
    assert.equal((await find({ secret: 'A', since: first?.at ?? 0 })).length, 4)
  })

  test('finds the entries of a subject by its id', async () => {
    await using world = await openWorld(open)
    const job = 'job_0123456789abcdef'
    await note(world.store, ANNA, givenTo(job, ['A']), givenTo('job_ffffffffffffffff', ['A']))
    const { entries } = await world.store.audit.list({ subject: job, limit: 10 })
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      [1],
    )
  })

  test('removes the oldest entries, and the rest is still a chain', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await note(store, ANNA, setSecret('A'), setSecret('B'), setSecret('C'))
    const prune = async (before: number, limit: number): Promise<number> => {
      return (await store.transact((write) => write.audit.prune(ANNA, { before, limit }))).result
    }
    assert.equal(await prune(0, 10), 0)
    assert.equal((await store.audit.head()).last, 3, 'what removes nothing writes nothing')
    const later = Date.now() + 60_000
    assert.equal(await prune(later, 2), 2)
    assert.equal(await follow(store), 2)
    const { entries, next } = await store.audit.list({ limit: 10 })
    assert.equal(next, undefined)
    assert.deepEqual(
      entries.map(({ action }) => action),
      ['audit.pruned', 'secret.set'],
    )
    assert.equal(entries[0]?.after?.['through'], 2)
    assert.deepEqual((await store.audit.list({ secret: 'A', limit: 10 })).entries, [])
    assert.equal(await prune(later, 10), 2)
    assert.equal(await follow(store), 1)
  })
}
