import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuthorForge, authorForge, type HeldForge } from '#root/test/support/author-forge.ts'
import { Stage } from '#root/test/support/stage.ts'
import type { CommitEvent, Trust } from '../../core/commit-event.ts'
import { silentLog } from '../../lib/log.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { AuthorLookup } from './author-lookup.ts'

const KNOWN = 8
const NEW = 9
const FORMER = 10
const REPOSITORY = 77
const SHA = 'c'.repeat(40)

/** Something of account 8 was merged; account 9 has the name that 8 had once; nothing of 10 was merged. */
function held(kind: HeldForge['kind'], over: Partial<HeldForge> = {}): HeldForge {
  return {
    kind,
    repositoryId: REPOSITORY,
    project: 'ada/app',
    logins: new Map([
      [KNOWN, 'known'],
      [NEW, 'new'],
      [FORMER, 'former'],
    ]),
    requests: [
      { number: 1, authorId: KNOWN, sha: 'a'.repeat(40), isMerged: true },
      { number: 2, authorId: NEW, sha: 'a'.repeat(40) },
      { number: 7, authorId: KNOWN, sha: SHA, base: 'd'.repeat(40) },
      { number: 8, authorId: NEW, sha: SHA },
      { number: 9, authorId: KNOWN, sha: SHA, headOwnerId: NEW },
    ],
    ...over,
  }
}

async function open(forge: AuthorForge, kind: HeldForge['kind'], withinMs = 10_000) {
  const stage = await Stage.open()
  const repository = await stage.addRepository('ada/app')
  await stage.write((write) =>
    write.forgeLinks.save({
      repositoryId: repository.id,
      forge: kind,
      apiUrl: forge.url,
      project: 'ada/app',
      token: 'sealed',
      createdAt: 0,
    }),
  )
  const { signal } = new AbortController()
  const lookup = () =>
    new AuthorLookup({
      store: stage.store,
      noteMerged: (merged) =>
        stage.write((write) => write.accounts.noteMerged({ ...merged, at: 1 })),
      openToken: () => 'a-token-of-the-forge',
      hosts: ANY_HOSTS,
      log: silentLog(),
      signal,
      withinMs,
    })
  return { stage, repository, lookup, [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose]() }
}

let events = 0

function anEvent(number: number, trust: Trust, over: Partial<CommitEvent> = {}): CommitEvent {
  return {
    id: `event_${++events}`,
    repositoryId: 'repo_1',
    kind: 'pull_request',
    ref: `refs/pull/${number}/head`,
    sha: SHA,
    title: '',
    author: '',
    trust: { stranger: 'other_repository', repositoryId: REPOSITORY, ...trust },
    source: 'webhook',
    receivedAt: 0,
    ...over,
  }
}

const polled = (number: number, over: Partial<CommitEvent> = {}): CommitEvent => ({
  ...anEvent(number, {}, { source: 'poll', ...over }),
  trust: { stranger: 'polled_request' },
})

for (const kind of ['github', 'gitea', 'gitlab'] as const) {
  const refOf = (number: number) =>
    kind === 'gitlab' ? `refs/merge-requests/${number}/head` : `refs/pull/${number}/head`

  test(`asks ${kind} whether anything of an account was merged, and remembers it`, async () => {
    await using forge = await authorForge(held(kind))
    await using world = await open(forge, kind)
    const { repository } = world
    const lookup = world.lookup()
    const ofKnown = await lookup.find(anEvent(7, { actorId: KNOWN }, { ref: refOf(7) }), repository)
    assert.deepEqual(ofKnown, { accounts: [KNOWN], merged: new Set([KNOWN]) })
    assert.ok(forge.tokens.every((token) => token === 'a-token-of-the-forge'))
    // For good, and for all dispatchers.
    const asked = forge.asked.length
    assert.ok(asked > 0)
    await world.lookup().find(anEvent(7, { actorId: KNOWN }, { ref: refOf(7) }), repository)
    assert.equal(forge.asked.length, asked)

    const ofNew = anEvent(8, { actorId: NEW }, { ref: refOf(8) })
    const newcomer = { accounts: [NEW], merged: new Set<number>() }
    assert.deepEqual(await lookup.find(ofNew, repository), newcomer)
    const afterNew = forge.asked.length
    assert.deepEqual(await lookup.find(ofNew, repository), newcomer)
    assert.equal(forge.asked.length, afterNew)
  })

  test(`asks ${kind} for the author of a polled pull request`, async () => {
    await using forge = await authorForge(held(kind))
    await using world = await open(forge, kind)
    const { repository } = world
    const lookup = world.lookup()
    const found = await lookup.find(polled(7, { ref: refOf(7) }), repository)
    assert.deepEqual(found, { accounts: [KNOWN], merged: new Set([KNOWN]) })
    const base = await lookup.findBase(polled(7, { ref: refOf(7) }), repository)
    assert.partialDeepStrictEqual(base, {
      base: 'd'.repeat(40),
      targetBranch: 'main',
      request: { labels: ['e2e'], draft: true, milestone: '' },
    })
    // It has another head by now, or somebody else may push to it.
    const moved = polled(7, { ref: refOf(7), sha: 'e'.repeat(40) })
    assert.match(await troubleOf(lookup.find(moved, repository)), /another head by now/)
    assert.deepEqual(await lookup.findBase(moved, repository), {})
    const lent = await troubleOf(lookup.find(polled(9, { ref: refOf(9) }), repository))
    assert.match(lent, /in no repository of its author/)
    const gone = await troubleOf(lookup.find(polled(55, { ref: refOf(55) }), repository))
    assert.match(gone, /has no such pull request/)
  })

  test(`what ${kind} does not answer, or not as expected, is unknown`, async () => {
    await using forge = await authorForge(held(kind))
    const ask = async (override: AuthorForge['override'], withinMs?: number): Promise<string> => {
      // Each with an empty cache.
      await using world = await open(forge, kind, withinMs)
      forge.override = override
      const event = anEvent(8, { actorId: NEW }, { ref: refOf(8) })
      return await troubleOf(world.lookup().find(event, world.repository))
    }
    const isPage = (path: string) => /search|pulls\?|merge_requests\?/.test(path)
    assert.match(await ask(() => ({ status: 500 })), /answered 500/)
    assert.match(await ask(() => ({ status: 429 })), /rate limit is reached/)
    assert.match(await ask(() => ({ status: 302, headers: { location: '/x' } })), /answered 302/)
    assert.match(await ask(() => 'hang', 100), /.+/)
    assert.match(await ask(() => ({ status: 200, json: 'x'.repeat(2_000_000) })), /too long/)
    assert.match(await ask(() => ({ status: 200, json: { id: 1 } })), /has an unexpected form/)
    assert.match(
      await ask((path) => (isPage(path) ? { status: 200, json: { odd: true } } : undefined)),
      /has an unexpected form/,
    )
    assert.match(
      await ask((path) => (isPage(path) ? { status: 404 } : undefined)),
      /no such repository/,
    )
  })

  test(`a link to another repository than that of the webhooks of ${kind} says nothing`, async () => {
    await using forge = await authorForge({ ...held(kind), repositoryId: 78 })
    await using world = await open(forge, kind)
    const event = anEvent(7, { actorId: KNOWN }, { ref: refOf(7) })
    assert.match(
      await troubleOf(world.lookup().find(event, world.repository)),
      /another repository/,
    )
  })
}

test('merged requests of the former owner of a name do not count', async () => {
  for (const kind of ['github', 'gitea'] as const) {
    const former = held(kind)
    await using forge = await authorForge(former)
    await using world = await open(forge, kind)
    // The forge finds by name, and answers with the id of the author.
    former.logins.set(KNOWN, 'new')
    const event = anEvent(8, { actorId: NEW })
    const { merged } = await world.lookup().find(event, world.repository)
    assert.deepEqual(merged, new Set())
  }
})

test('the sender of another author’s commit is looked up as well', async () => {
  for (const kind of ['github', 'gitea'] as const) {
    await using forge = await authorForge(held(kind))
    await using world = await open(forge, kind)
    const lookup = world.lookup()
    const event = anEvent(7, { actorId: KNOWN, senderId: FORMER })
    const found = await lookup.find(event, world.repository)
    assert.deepEqual(found, { accounts: [KNOWN, FORMER], merged: new Set([KNOWN]) })
    const unknown = anEvent(7, { actorId: KNOWN, senderId: 4_711 })
    const { trouble } = await lookup.find(unknown, world.repository)
    assert.match(trouble?.words ?? '', /does not know the account that sent/)
  }
})

test('of a Gitea without search by author at most so many pages are read', async () => {
  const others = Array.from({ length: 500 }, (_, i) => ({
    number: 1_000 + i,
    authorId: FORMER,
    sha: SHA,
    isMerged: true,
  }))
  const requests = [...held('gitea').requests, ...others]
  await using forge = await authorForge(held('gitea', { ignoresPoster: true, requests }))
  await using world = await open(forge, 'gitea')
  const lookup = world.lookup()
  const known = await lookup.find(anEvent(7, { actorId: KNOWN }), world.repository)
  assert.deepEqual(known.merged, new Set([KNOWN]))
  forge.asked.length = 0
  const found = await lookup.find(anEvent(8, { actorId: NEW }), world.repository)
  assert.deepEqual(found.merged, new Set())
  assert.equal(forge.asked.filter((path) => path.includes('poster=')).length, 5)
})

test('no request is sent if the answer would change nothing', async () => {
  await using forge = await authorForge(held('github'))
  await using world = await open(forge, 'github')
  const { repository } = world
  const lookup = world.lookup()
  const event = anEvent(8, { actorId: NEW })
  await lookup.find(event, { ...repository, approval: 'nobody' })
  await lookup.find(event, { ...repository, approval: 'all-strangers' })
  await lookup.find({ ...event, kind: 'push' }, repository)
  await lookup.find({ ...event, trust: { ...event.trust, stranger: 'listed_account' } }, repository)
  await lookup.findBase(event, repository)
  assert.deepEqual(forge.asked, [])
  const other = await world.stage.addRepository('ada/other')
  const { trouble } = await lookup.find(event, other)
  assert.deepEqual(trouble, { because: 'forge_unasked' })
})

test('after a failure a forge gets no requests for a while', async () => {
  await using forge = await authorForge(held('github'))
  await using world = await open(forge, 'github')
  const lookup = world.lookup()
  forge.override = () => ({ status: 503 })
  const ask = (number: number) =>
    troubleOf(lookup.find(anEvent(number, { actorId: NEW }), world.repository))
  const words = await Promise.all([1, 2, 7, 8].map(ask))
  assert.ok(words.every((one) => one === 'it answered 503'))
  assert.equal(forge.asked.length, 1)
})

async function troubleOf(asked: ReturnType<AuthorLookup['find']>): Promise<string> {
  const { trouble, merged } = await asked
  assert.deepEqual([...merged], [])
  assert.equal(trouble?.because, 'forge_silent')
  return trouble.words ?? ''
}
