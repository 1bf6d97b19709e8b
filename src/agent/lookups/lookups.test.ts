import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyVault } from '#root/test/support/empty-vault.ts'
import { eventually } from '#root/test/support/eventually.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { recordedLog } from '#root/test/support/recorded-log.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { EmbeddedBroker } from '../../broker/embedded.ts'
import { readGitEnv } from '../../config/env.ts'
import { LOOKS_AT_MS } from '../../core/delivery/commit-lookup.ts'
import { openMetrics } from '../../http/metrics.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import { Intake } from '../intake.ts'
import { RemoteRefs } from '../remote-refs.ts'
import type { Delivery } from '../webhook/write-deliveries.ts'
import { Lookups } from './lookups.ts'

const REF = 'refs/tags/v1'

/** A store with a repository and an acknowledged delivery about its tag v1, and agents over it. */
async function openWorld(cloneUrl: string) {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const { log } = recordedLog()
  const broker = stack.use(new EmbeddedBroker(log))
  const repository: RepositoryRecord = {
    id: 'repo_1',
    name: 'acme/app',
    forge: 'gogs',
    cloneUrl,
    webhookSecret: 'x',
    pollIntervalMs: 0,
    createdAt: 0,
  }
  await store.transact((write) => write.repositories.insert(repository, []))
  const vault = await emptyVault()
  const refs = new RemoteRefs({ store, vault, gitEnv: readGitEnv() })
  const intake = new Intake({ store, broker, log, refs })
  const delivery: Delivery = {
    forge: 'gogs',
    deliveryId: 'd1',
    repositoryId: repository.id,
    content: {
      kind: 'unresolved',
      events: [{ kind: 'tag', ref: REF, title: '', author: '', facts: {} }],
      lookup: {},
    },
  }
  const answer = await intake.acceptDelivery(delivery)
  assert.equal(answer.status, 'resolving')
  const startAgent = (): AsyncDisposable => {
    const deps = { store, vault, intake, gitEnv: readGitEnv(), metrics: openMetrics(), log }
    const lookups = new Lookups({ ...deps, safetyMs: 50 })
    const stop = new AbortController()
    const running = lookups.run(stop.signal)
    return {
      [Symbol.asyncDispose]: async () => {
        stop.abort()
        await running
      },
    }
  }
  const result = async () => (await store.deliveries.listByIds('gogs', ['d1']))[0]
  const owned = stack.move()
  return {
    store,
    intake,
    delivery,
    startAgent,
    result,
    /** The delivery's result, once its lookup has ended. */
    ended: async () =>
      await eventually(
        async () => {
          const found = await result()
          return found && found.disposition !== 'resolving' ? found : null
        },
        { message: 'the end of the lookup', timeoutMs: 30_000 },
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('a lookup outlives its agent, and of several one ends it', async () => {
  await using source = await gitRepository({ files: { a: '1' }, serve: true })
  await source.tag('v1', 'the first')
  await using world = await openWorld(source.url)
  // An agent has begun, and was killed.
  const [lookup] = await world.store.lookups.listDue(Date.now(), 1)
  assert.ok(lookup)
  const claimed = { ...lookup, dueAt: Date.now() + 300 }
  await world.store.transact((write) => write.lookups.update(lookup, claimed))
  await using _one = world.startAgent()
  await using _other = world.startAgent()
  const { disposition, eventId } = await world.ended()
  assert.equal(disposition, 'accepted')
  const event = await world.store.events.find(eventId ?? 'event_')
  assert.deepEqual([event?.sha, event?.ref], [await source.head(), REF])
  assert.equal(await world.store.lookups.nextDueAt(), undefined)
})

test('who no longer has a lookup changes nothing', async () => {
  await using world = await openWorld('/nonexistent')
  const [lookup] = await world.store.lookups.listDue(Date.now(), 1)
  assert.ok(lookup)
  const stale = { ...lookup, dueAt: lookup.dueAt - 1 }
  assert.equal(await world.intake.endLookup(stale, { reason: 'too late' }), undefined)
  assert.equal((await world.result())?.disposition, 'resolving')
})

test('a server that does not answer is asked again, and the ref is waited for', async () => {
  let isDown = true
  await using source = await gitRepository({
    files: { a: '1' },
    serve: true,
    intercept: (_, response) => {
      if (isDown) response.writeHead(500).end()
      return isDown
    },
  })
  await using world = await openWorld(source.url)
  await using _agent = world.startAgent()
  await eventually(async () => source.requests.length > 0)
  isDown = false
  await source.tag('v1')
  assert.equal((await world.ended()).disposition, 'accepted')
})

test('what is not found is said, and looked up again when it is sent again', async () => {
  await using source = await gitRepository({ files: { a: '1' }, serve: true })
  await using world = await openWorld(source.url)
  const [lookup] = await world.store.lookups.listDue(Date.now(), 1)
  assert.ok(lookup)
  const last = { ...lookup, looks: LOOKS_AT_MS.length - 1 }
  await world.store.transact((write) => write.lookups.update(lookup, last))
  await using _agent = world.startAgent()
  const lost = await world.ended()
  assert.equal(lost.disposition, 'unresolved')
  assert.match(lost.reason ?? '', /not found: the git server has no refs\/tags\/v1/)
  await source.tag('v1')
  const again = await world.intake.acceptDelivery(world.delivery)
  assert.equal(again.status, 'resolving')
  assert.equal((await world.ended()).disposition, 'accepted')
})
