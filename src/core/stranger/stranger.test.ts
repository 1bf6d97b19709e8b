import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TrustFacts } from '../commit-event.ts'
import { decideTrust, isStranger, trustOfFormer } from './stranger.ts'

const OWN: TrustFacts = {
  actorId: 7,
  repositoryId: 1,
  headRepositoryId: 1,
  baseRepositoryId: 1,
  headRef: 'topic',
  headLabel: 'ann:topic',
}

describe('a pull request', () => {
  const request = { kind: 'pull_request', ref: 'refs/pull/7/head', source: 'webhook' } as const
  const of = (facts: TrustFacts) => decideTrust(request, facts).stranger

  test('is our own where all that was told agrees, and the facts are kept', () => {
    assert.deepEqual(decideTrust(request, OWN), OWN)
    assert.equal(of({ ...OWN, headRef: 'refs-for-all', headLabel: 'x' }), undefined)
  })

  test('is a stranger’s where anything is missing, odd or another’s', () => {
    const { headRepositoryId: _gone, ...gone } = OWN
    const { headRef: _ref, ...unnamed } = OWN
    const { baseRepositoryId: _base, ...baseless } = OWN
    const cases: readonly [TrustFacts, string][] = [
      [gone, 'head_gone'],
      [{}, 'head_gone'],
      [{ ...OWN, headRepositoryId: 2 }, 'other_repository'],
      [{ ...OWN, headRepositoryId: 2, baseRepositoryId: 2 }, 'other_repository'],
      [baseless, 'other_repository'],
      [unnamed, 'head_ref_missing'],
      [{ ...OWN, headRef: '' }, 'head_ref_odd'],
      [{ ...OWN, headRef: 'refs/for/main' }, 'head_ref_odd'],
      [{ ...OWN, headRef: 'refs/pull/7/head' }, 'agit'],
      [{ ...OWN, headLabel: '' }, 'agit'],
      [{ ...OWN, flow: true }, 'agit'],
    ]
    for (const [facts, reason] of cases) {
      assert.equal(of(facts), reason, JSON.stringify(facts))
      // What else is told can't make it ours.
      assert.ok(of({ ...facts, actorId: 7, seenAt: 'refs/heads/main' }))
    }
  })

  test('that was found by polling is a stranger’s, whatever is known of it', () => {
    assert.equal(decideTrust({ ...request, source: 'poll' }, OWN).stranger, 'polled_request')
  })
})

describe('a ref', () => {
  test('is our own only as a branch or a tag', () => {
    for (const ref of ['refs/heads/main', 'refs/heads/refs/pull/1/head', 'refs/tags/v1']) {
      assert.equal(decideTrust({ kind: 'push', ref, source: 'webhook' }, OWN).stranger, undefined)
    }
    const others = [
      'refs/pull/5/head',
      'refs/merge-requests/5/head',
      'refs/pull-requests/7/from',
      'refs/changes/01/1/1',
      'refs/original/refs/heads/main',
      'refs/for/main',
      'refs/heads/',
      'refs/heads',
      'HEAD',
    ]
    for (const ref of others) {
      for (const kind of ['push', 'tag', 'manual'] as const) {
        const event = { kind, ref, source: kind === 'manual' ? 'manual' : 'webhook' } as const
        assert.equal(decideTrust(event, { seenAt: ref }).stranger, 'other_ref', ref)
      }
    }
  })

  test('of a run by hand is our own only where a branch or tag was seen at the commit', () => {
    const byHand = { kind: 'manual', ref: 'refs/heads/HEAD', source: 'manual' } as const
    assert.equal(decideTrust(byHand, {}).stranger, 'unseen_commit')
    assert.equal(decideTrust(byHand, { seenAt: 'refs/tags/v1' }).stranger, undefined)
  })
})

describe('an account that the repository lists', () => {
  const rules = { strangerAccounts: [49] }
  const push = { kind: 'push', ref: 'refs/heads/bump', source: 'webhook' } as const

  test('is a stranger also on a branch of its own', () => {
    assert.equal(decideTrust(push, { ...OWN, actorId: 49 }, rules).stranger, 'listed_account')
    assert.equal(decideTrust(push, OWN, rules).stranger, undefined)
    const request = { kind: 'pull_request', ref: 'refs/pull/7/head', source: 'webhook' } as const
    assert.equal(decideTrust(request, { ...OWN, actorId: 49 }, rules).stranger, 'listed_account')
    // It has pushed to somebody else's pull request.
    assert.equal(decideTrust(request, { ...OWN, senderId: 49 }, rules).stranger, 'listed_account')
  })

  test('makes every push a stranger’s of which nobody tells whose it is', () => {
    assert.equal(decideTrust({ ...push, source: 'poll' }, {}, rules).stranger, 'unknown_account')
    assert.equal(decideTrust({ ...push, source: 'poll' }, {}, {}).stranger, undefined)
  })
})

test('of what a former version has decided only what it could not get wrong is our own', () => {
  const of = (kind: 'push' | 'tag' | 'pull_request' | 'manual', ref: string, fromFork = false) =>
    trustOfFormer({ kind, ref }, { fromFork, actorId: 3 })
  assert.deepEqual(of('push', 'refs/heads/main'), { actorId: 3 })
  assert.equal(isStranger(of('tag', 'refs/tags/v1')), false)
  assert.equal(isStranger(of('manual', 'refs/heads/main')), false)
  assert.equal(of('manual', 'refs/heads/HEAD').stranger, 'not_recorded')
  assert.equal(of('manual', 'refs/merge-requests/5/head').stranger, 'not_recorded')
  assert.equal(of('push', 'refs/original/refs/heads/main').stranger, 'not_recorded')
  assert.equal(of('pull_request', 'refs/pull/1/head').stranger, 'not_recorded')
  assert.equal(of('pull_request', 'refs/pull/1/head', true).stranger, 'other_repository')
})
