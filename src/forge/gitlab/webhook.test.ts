import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideTrust } from '../../core/stranger/stranger.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'
import { parseGitlab } from './webhook.ts'

const SHA = 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7'
const BEFORE = '95790bf891e76fee5e1747ab589903a6a1f80f22'
const ZERO = '0'.repeat(40)
const repository = { forgeId: 15, fullName: 'ada/deep/whale' }

/** As much as GitLab sends of what is read here. */
const project = { id: 15, name: 'Whale', path_with_namespace: 'ada/deep/whale', namespace: 'ada' }
const commit = {
  id: SHA,
  message: 'fixed readme\n',
  title: 'fixed readme',
  author: { name: 'Ada L.', email: 'ada@example.com' },
}
const push = {
  object_kind: 'push',
  event_name: 'push',
  before: BEFORE,
  after: SHA,
  ref: 'refs/heads/main',
  checkout_sha: SHA,
  user_id: 4,
  user_name: 'Ada',
  user_username: 'ada',
  project_id: 15,
  project,
  commits: [{ ...commit, id: BEFORE, message: 'older' }, commit],
  total_commits_count: 2,
}
const mergeRequest = {
  object_kind: 'merge_request',
  user: { id: 1, name: 'Grace', username: 'grace' },
  project,
  object_attributes: {
    id: 99,
    iid: 1,
    title: 'MS-Viewport',
    action: 'open',
    author_id: 51,
    source_branch: 'ms-viewport',
    source_project_id: 16,
    target_branch: 'main',
    target_project_id: 15,
    last_commit: commit,
  },
}

test('a push to a branch is read, with the words of its head', () => {
  assert.deepEqual(parseGitlab('Push Hook', push), {
    kind: 'commit',
    repository,
    event: {
      kind: 'push',
      ref: 'refs/heads/main',
      sha: SHA,
      title: 'fixed readme',
      author: 'Ada L.',
      facts: { actorId: 4, repositoryId: 15, headRepositoryId: 15 },
      before: BEFORE,
      sender: { id: 4, name: 'ada', isBot: false },
      details: { base: BEFORE },
    },
  })
  const gone = { ...push, after: ZERO, checkout_sha: null }
  assert.deepEqual(parseGitlab('Push Hook', gone), {
    kind: 'gone',
    repository,
    ref: 'refs/heads/main',
    before: BEFORE,
  })
  const created = parseGitlab('Push Hook', { ...push, before: ZERO })
  assert.ok(created.kind === 'commit')
  assert.equal(created.event.before, '')
})

test('a tag is its commit, not the tag object', () => {
  const tag = { ...push, ref: 'refs/tags/v1', before: ZERO, after: 'a'.repeat(40), commits: [] }
  const parsed = parseGitlab('Tag Push Hook', tag)
  assert.ok(parsed.kind === 'commit')
  const { kind, sha, title, author } = parsed.event
  assert.deepEqual([kind, sha, title, author], ['tag', SHA, '', ''])
})

test('a merge request is built when it has new commits, and is trusted by numbers', () => {
  const parsed = parseGitlab('Merge Request Hook', mergeRequest)
  assert.deepEqual(parsed, {
    kind: 'commit',
    repository,
    event: {
      kind: 'pull_request',
      ref: 'refs/merge-requests/1/head',
      sha: SHA,
      title: 'MS-Viewport',
      author: 'Ada L.',
      facts: {
        actorId: 51,
        senderId: 1,
        repositoryId: 15,
        headRepositoryId: 16,
        baseRepositoryId: 15,
        headRef: 'ms-viewport',
      },
      sender: { id: 1, name: 'grace', isBot: false },
      details: { targetBranch: 'main', actions: ['opened'] },
    },
  })
  const as = (more: object) => {
    const object_attributes = { ...mergeRequest.object_attributes, ...more }
    return parseGitlab('Merge Request Hook', { ...mergeRequest, object_attributes })
  }
  const strangerOf = (more: object) => {
    const told = as(more)
    assert.ok(told.kind === 'commit')
    const { facts, ...event } = told.event
    return decideTrust({ ...event, source: 'webhook' }, facts).stranger
  }
  assert.equal(strangerOf({}), 'other_repository')
  assert.equal(strangerOf({ source_project_id: null }), 'head_gone')
  assert.equal(strangerOf({ source_project_id: 15 }), undefined)
  assert.equal(strangerOf({ source_project_id: 16, target_project_id: 16 }), 'other_repository')
  assert.equal(strangerOf({ source_project_id: 15, source_branch: null }), 'head_ref_missing')
  const move = as({ action: 'update', oldrev: BEFORE })
  assert.ok(move.kind === 'commit')
  assert.deepEqual([move.event.before, move.event.occurrence], [BEFORE, undefined])
  const again = as({ action: 'reopen', updated_at: '2026-01-02 03:04:05 UTC' })
  assert.ok(again.kind === 'commit')
  assert.equal(again.event.occurrence, 'reopened 2026-01-02 03:04:05 UTC')
  for (const action of ['update', 'approved', undefined]) {
    assert.equal(as({ action }).kind, 'ignored', action)
  }
})

test('of a merge request it is read what conditions ask for; what is missing is unknown', () => {
  const told = (more: object, labels?: unknown) => {
    const object_attributes = { ...mergeRequest.object_attributes, ...more }
    const parsed = parseGitlab('Merge Request Hook', { ...mergeRequest, labels, object_attributes })
    assert.ok(parsed.kind === 'commit')
    return parsed.event.details?.request
  }
  assert.equal(told({}), undefined)
  const labels = [{ id: 206, title: 'API', color: '#ffffff', project_id: 15, type: 'ProjectLabel' }]
  assert.deepEqual(told({ draft: true, work_in_progress: true, milestone_id: null }, labels), {
    labels: ['API'],
    draft: true,
    milestone: '',
  })
  // The title of the milestone isn't sent.
  assert.deepEqual(told({ work_in_progress: false, milestone_id: 5 }, []), {
    labels: [],
    draft: false,
  })
})

test('a closing is noted, and a merge for its author; only of what wants into this very project', () => {
  const as = (more: object) => {
    const object_attributes = { ...mergeRequest.object_attributes, action: 'merge', ...more }
    return parseGitlab('Merge Request Hook', { ...mergeRequest, object_attributes })
  }
  const told = (more: object) => {
    const { event, ...rest } = as(more) as Extract<ParsedWebhook, { kind: 'closed' }>
    return [rest, event?.occurrence?.split(' ')[0], event?.details?.request?.merged]
  }
  const closed = { kind: 'closed', repository, ref: 'refs/merge-requests/1/head' }
  assert.deepEqual(told({}), [{ ...closed, mergedOf: 51 }, 'closed', true])
  assert.deepEqual(told({ author_id: null }), [closed, 'closed', true])
  assert.deepEqual(told({ action: 'close' }), [closed, 'closed', false])
  for (const action of ['close', 'merge']) {
    assert.equal(as({ action, target_project_id: 16 }).kind, 'ignored')
  }
})

test('what is malformed is refused with its places, and other events are ignored', () => {
  assert.throws(() => parseGitlab('Push Hook', { ...push, ref: '-x', after: 1 }), {
    code: 'invalid',
    message: /ref: .*; after: /,
  })
  assert.throws(() => parseGitlab('Push Hook', null), { code: 'invalid' })
  assert.equal(parseGitlab('Note Hook', { project }).kind, 'ignored')
  assert.equal(parseGitlab('Job Hook', null).kind, 'ignored')
})
