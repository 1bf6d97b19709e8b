import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GogsCase, gogsDelivery } from '../../../test/support/gogs/gogs.ts'
import { decideTrust } from '../../core/stranger/stranger.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'
import { parseGogs } from './webhook.ts'

function parseCase(name: GogsCase): ParsedWebhook {
  const { event, payload } = gogsDelivery(name)
  return parseGogs(event, payload)
}

test('a push is its head, with title and author where the head is among its commits', () => {
  const cases = {
    'push-one': ['ffbba0d2', 'one', 'Ada Acme'],
    'push-three': ['2ea3b0a3', 'four', 'Ada Acme'],
    'empty-commit': ['cd0a79b9', 'empty commit', 'Ada Acme'],
    'new-branch-push': ['ffbba0d2', 'one', 'Ada Acme'],
    'new-branch-25-commits': ['5dfe9d98', 'm24', 'Ada Acme'],
    'pr-merge-push': ['2339c5f1', "Merge branch 'pra' of acme/app into main", 'acme'],
    // The payload has the commits that were dropped, not the one that it moved to.
    'force-back': ['ffbba0d2', '', ''],
  } as const
  for (const [name, expected] of Object.entries(cases)) {
    const parsed = parseCase(name as keyof typeof cases)
    assert.ok(parsed.kind === 'commit', name)
    const { sha, title, author, kind } = parsed.event
    assert.deepEqual([sha.slice(0, 8), title, author, kind], [...expected, 'push'], name)
    assert.deepEqual(parsed.repository, { forgeId: 1, fullName: 'acme/app', ownerId: 3 })
  }
})

test('a test delivery builds nothing', () => {
  const { payload } = gogsDelivery('push-one')
  const parsed = parseGogs('push', { ...payload, before: payload['after'] })
  assert.ok(parsed.kind === 'ignored')
  assert.match(parsed.reason, /nothing was moved/)
})

test('a removal builds nothing', () => {
  for (const name of ['branch-deleted', 'tag-deleted'] as const) {
    assert.equal(parseCase(name).kind, 'gone')
  }
})

test('a merged pull request is closed, and its author known', () => {
  assert.partialDeepStrictEqual(parseCase('pr-merged'), { kind: 'closed', ref: 'refs/pull/1/head' })
})

test('a created branch or tag is looked up: a tag by its object or commit', () => {
  for (const [name, ref, object] of [
    ['light-tag-create', 'refs/tags/light', 'ffbba0d2c1405947306e7d8fbc6123967b6b013d'],
    ['annotated-tag-create', 'refs/tags/ann', 'bedcd353b4f102ff03d41828b614125f1fcdbe01'],
    ['new-branch-create', 'refs/heads/feat', undefined],
  ] as const) {
    const parsed = parseCase(name)
    assert.ok(parsed.kind === 'unresolved', name)
    assert.deepEqual([parsed.events[0].ref, parsed.lookup.object], [ref, object])
  }
})

test('a pull request is looked up at its ref and its branch, and is a stranger’s from a fork', () => {
  for (const [name, ref, lookup, stranger] of [
    ['pr-opened', 'refs/pull/1/head', { headBranch: 'pra' }, undefined],
    ['pr-synchronized', 'refs/pull/1/head', { headBranch: 'pra' }, undefined],
    ['pr-force-synchronized', 'refs/pull/1/head', { headBranch: 'pra' }, undefined],
    ['pr-reopened', 'refs/pull/1/head', { headBranch: 'pra', isReopened: true }, undefined],
    [
      'fork-pr-opened',
      'refs/pull/2/head',
      { headBranch: 'fb', fork: 'forker/app' },
      'other_repository',
    ],
  ] as const) {
    const parsed = parseCase(name)
    assert.ok(parsed.kind === 'unresolved', name)
    const [{ facts, sender, ...event }] = parsed.events
    assert.deepEqual([event.ref, parsed.lookup], [ref, lookup])
    assert.deepEqual(event.details, { targetBranch: 'main' })
    assert.ok(event.title !== '' && event.author !== '')
    assert.equal(decideTrust({ ...event, source: 'webhook' }, facts).stranger, stranger, name)
    assert.equal(sender?.id, facts.actorId)
  }
})

test('a pull request whose head’s repository is gone is a stranger’s', () => {
  const { payload } = gogsDelivery('fork-pr-opened')
  const pull_request = { ...(payload['pull_request'] as object), head_repo: null }
  const parsed = parseGogs('pull_request', { ...payload, pull_request })
  assert.ok(parsed.kind === 'unresolved')
  const [{ facts, ...event }] = parsed.events
  assert.deepEqual(parsed.lookup, {})
  assert.equal(decideTrust({ ...event, source: 'webhook' }, facts).stranger, 'head_gone')
})
