import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideTrust } from '../../core/stranger/stranger.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'
import { parseGitea } from './webhook.ts'

const SHA = 'bffeb74224043ba2feb48d137756c8a9331c449a'
const BEFORE = '28e1879d029cb852e4844d9c718537df08844e03'

/** As much of an account and a repository as Gitea and Forgejo send. */
const ada = { id: 7, login: 'ada', login_name: '', full_name: 'Ada L.', username: 'ada' }
const repository = { id: 140, owner: ada, name: 'whale', full_name: 'ada/whale', fork: false }
const commit = {
  id: SHA,
  message: 'Webhooks work\n\nAt last.\n',
  author: { name: 'Ada L.', email: 'ada@example.com', username: 'ada' },
}
const push = {
  ref: 'refs/heads/main',
  before: BEFORE,
  after: SHA,
  compare_url: 'https://gitea.example.com/ada/whale/compare/a...b',
  commits: [commit],
  total_commits: 1,
  head_commit: commit,
  repository,
  pusher: ada,
  sender: ada,
}

test('a push is read, with its head wherever it stands', () => {
  const expected = {
    kind: 'commit',
    repository: { forgeId: 140, fullName: 'ada/whale', ownerId: 7 },
    event: {
      kind: 'push',
      ref: 'refs/heads/main',
      sha: SHA,
      title: 'Webhooks work',
      author: 'Ada L.',
      facts: { actorId: 7, repositoryId: 140, headRepositoryId: 140 },
      before: BEFORE,
      sender: { id: 7, name: 'ada', isBot: false },
      details: { base: BEFORE },
    },
  }
  assert.deepEqual(parseGitea('push', push), expected)
  assert.deepEqual(parseGitea('push', { ...push, head_commit: undefined }), expected)
})

test('a deleted branch or tag is gone, and a push says when the repository was updated', () => {
  const told = { ref: 'v1', ref_type: 'tag', pusher_type: 'user', repository, sender: ada }
  const gone = { kind: 'gone', repository: { forgeId: 140, fullName: 'ada/whale', ownerId: 7 } }
  assert.deepEqual(parseGitea('delete', told), { ...gone, ref: 'refs/tags/v1' })
  const branch = { ...told, ref: 'fix/a', ref_type: 'branch' }
  assert.deepEqual(parseGitea('delete', branch), { ...gone, ref: 'refs/heads/fix/a' })
  for (const ref of ['refs/notes/x', '../x', '']) {
    assert.equal(parseGitea('delete', { ...branch, ref }).kind, 'ignored', ref)
  }
  const at = '2026-01-02T03:04:05Z'
  const stamped = parseGitea('push', { ...push, repository: { ...repository, updated_at: at } })
  assert.ok(stamped.kind === 'commit')
  assert.equal(stamped.event.stamp, at)
})

test('a tag that is told twice is the same commit: by the push, and by the tag object', () => {
  const tag = { ...push, ref: 'refs/tags/v1', after: 'a'.repeat(40) }
  const told = parseGitea('push', tag)
  assert.deepEqual(told.kind === 'commit' && [told.event.kind, told.event.sha], ['tag', SHA])
  const create = { sha: 'a'.repeat(40), ref: 'v1', ref_type: 'tag', repository, sender: ada }
  const other = parseGitea('create', create)
  assert.ok(other.kind === 'unresolved')
  assert.deepEqual([other.events[0].ref, other.lookup], [tag.ref, { object: tag.after }])
  // Up to 1.15 a push has only the tag object.
  const early = parseGitea('push', { ...tag, head_commit: undefined, commits: [] })
  assert.deepEqual(early.kind === 'unresolved' && early.lookup, { object: tag.after })
})

test('new commits of a pull request are built, and whose they are is told by numbers', () => {
  const of = (id: number) => ({
    label: 'fix',
    ref: 'fix',
    sha: SHA,
    repo_id: id,
    repo: { ...repository, id },
  })
  const request = {
    action: 'synchronized',
    number: 3,
    pull_request: { id: 9, number: 3, title: 'Fix it', user: ada, head: of(141), base: of(140) },
    repository,
    sender: ada,
  }
  for (const name of ['pull_request', 'pull_request_sync']) {
    const parsed = parseGitea(name, request)
    assert.ok(parsed.kind === 'commit')
    assert.equal(parsed.event.ref, 'refs/pull/3/head')
    assert.deepEqual(parsed.event.facts, {
      actorId: 7,
      repositoryId: 140,
      headRepositoryId: 141,
      baseRepositoryId: 140,
      headRef: 'fix',
      headLabel: 'fix',
    })
    assert.equal(strangerOf(parsed), 'other_repository')
  }
  const own = { ...request, pull_request: { ...request.pull_request, head: of(140) } }
  const parsed = parseGitea('pull_request', own)
  assert.equal(strangerOf(parsed), undefined)
  assert.partialDeepStrictEqual(parseGitea('pull_request', { ...request, action: 'closed' }), {
    kind: 'closed',
    repository: parsed.repository,
    ref: 'refs/pull/3/head',
    event: { sha: SHA, details: { actions: ['closed'] } },
  })
})

test('of a pull request it is read what conditions ask for; what is missing is unknown', () => {
  const side = { label: 'fix', ref: 'fix', sha: SHA, repo_id: 140, repo: repository }
  const told = (more: object) => {
    const pull_request = { number: 3, title: 'Fix', user: ada, head: side, base: side, ...more }
    const payload = { action: 'opened', number: 3, pull_request, repository, sender: ada }
    const parsed = parseGitea('pull_request', payload)
    assert.ok(parsed.kind === 'commit')
    return parsed.event.details?.request
  }
  assert.equal(told({}), undefined)
  const label = { id: 1, name: 'type/bug', color: 'ff0000', description: '', exclusive: false }
  assert.deepEqual(told({ labels: [label], draft: true, milestone: { id: 1, title: 'v2' } }), {
    labels: ['type/bug'],
    draft: true,
    milestone: 'v2',
  })
  assert.deepEqual(told({ labels: null, milestone: null }), { labels: [], milestone: '' })
})

test('a pull request that was pushed to refs/for/… is a stranger’s, though its head is told as ours', () => {
  // As Gitea and Forgejo tell it: whoever may read the repository can make one.
  const head = { label: '', ref: 'refs/pull/3/head', sha: SHA, repo_id: 140, repo: repository }
  const base = { label: 'main', ref: 'main', sha: BEFORE, repo_id: 140, repo: repository }
  const pull = { id: 9, number: 3, title: 'Fix it', user: ada, head, base, flow: 1 }
  const told = (pull_request: object) =>
    parseGitea('pull_request', {
      action: 'opened',
      number: 3,
      pull_request,
      repository,
      sender: ada,
    })
  assert.equal(strangerOf(told(pull)), 'agit')
  // Each sign of it is enough.
  assert.equal(
    strangerOf(told({ ...pull, flow: undefined, head: { ...head, label: 'x' } })),
    'agit',
  )
  assert.equal(strangerOf(told({ ...pull, flow: 0, head: { ...head, ref: 'fix' } })), 'agit')
  const branch = { ...head, label: 'fix', ref: 'fix' }
  assert.equal(strangerOf(told({ ...pull, head: branch })), 'agit')
  assert.equal(strangerOf(told({ ...pull, flow: 'agit', head: branch })), 'agit')
  assert.equal(strangerOf(told({ ...pull, flow: 0, head: branch })), undefined)
  const bare = { sha: SHA, repo: repository }
  assert.equal(strangerOf(told({ ...pull, flow: 0, head: bare })), 'head_ref_missing')
})

test('what is malformed is refused, and other events are ignored', () => {
  assert.throws(() => parseGitea('push', { ...push, after: 'short' }), { code: 'invalid' })
  assert.throws(() => parseGitea('push', null), { code: 'invalid' })
  assert.equal(parseGitea('issues', { repository }).kind, 'ignored')
})

/** What is decided from the facts of a webhook. */
function strangerOf(parsed: ParsedWebhook): string | undefined {
  assert.ok(parsed.kind === 'commit')
  const { facts, ...event } = parsed.event
  return decideTrust({ ...event, source: 'webhook' }, facts).stranger
}
