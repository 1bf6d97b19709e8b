import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GogsCase, gogsDelivery } from '../../../test/support/gogs/gogs.ts'
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
