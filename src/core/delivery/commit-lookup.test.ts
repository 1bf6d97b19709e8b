import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RemoteRef } from '../../lib/git/list-remote.ts'
import { findCommit, LOOKS_AT_MS, type Look } from './commit-lookup.ts'

const [OLD, NEW, TAG] = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40)]
const LAST = LOOKS_AT_MS.length - 1

function at(commit: string, object = commit): RemoteRef {
  return { object, commit }
}

function find(look: Partial<Look>): string {
  const all = { lookup: {}, ref: 'refs/pull/1/head', seen: {}, looks: 0, ...look }
  const finding = findCommit(all)
  if (finding.kind !== 'found') return finding.kind
  return `${finding.sha[0]}${finding.isAtRef ? '' : ' aside'}`
}

test('a tag is found at its commit, whether the webhook named that or the tag object', () => {
  const ref = at(NEW, TAG)
  assert.equal(find({ lookup: { object: TAG }, seen: { ref } }), 'b')
  assert.equal(find({ lookup: { object: NEW }, seen: { ref: at(NEW) } }), 'b')
  // Also if it is known: it may have been told by a push already.
  assert.equal(find({ lookup: { object: TAG }, seen: { ref }, known: NEW }), 'b')
})

test('a tag that is elsewhere than told is looked for again, and in the end taken as it is', () => {
  const look = { lookup: { object: TAG }, seen: { ref: at(OLD) } }
  for (let looks = 0; looks < LAST; looks++) assert.equal(find({ ...look, looks }), 'again')
  assert.equal(find({ ...look, looks: LAST }), 'a')
})

test('a ref that is not there is looked for again, and in the end said to be missing', () => {
  assert.equal(find({}), 'again')
  assert.equal(find({ looks: LAST - 1 }), 'again')
  const finding = findCommit({ lookup: {}, ref: 'refs/tags/v1', seen: {}, looks: LAST })
  assert.deepEqual(finding, { kind: 'lost', reason: 'the git server has no refs/tags/v1' })
})

test('a ref that has not moved yet is looked at again, and in the end known', () => {
  const look = { seen: { ref: at(OLD) }, known: OLD }
  assert.equal(find({ ...look, looks: LAST - 1 }), 'again')
  assert.equal(find({ ...look, looks: LAST }), 'a')
  assert.equal(find({ ...look, seen: { ref: at(NEW) } }), 'b')
})

test('a created branch that its push has told of is known at once; a request may have moved since', () => {
  const look = { seen: { ref: at(OLD) }, known: OLD, isToldLately: true }
  assert.equal(find(look), 'a')
  assert.equal(find({ ...look, lookup: { headBranch: 'fb', fork: 'forker/app' } }), 'again')
})

test('a pull request of the repository itself is at its branch', () => {
  const lookup = { headBranch: 'pra' }
  assert.equal(find({ lookup, seen: { ref: at(NEW), branch: NEW } }), 'b')
  // Its own ref is moved a moment later.
  const early = { lookup, seen: { ref: at(OLD), branch: NEW }, known: OLD }
  assert.equal(find({ ...early, looks: 0 }), 'again')
  assert.equal(find({ ...early, looks: LAST - 1 }), 'again')
  assert.equal(find({ ...early, looks: LAST }), 'b aside')
  // Or never, after a reopening.
  const reopened = { ...early, lookup: { ...lookup, isReopened: true as const } }
  assert.equal(find({ ...reopened, looks: 1 }), 'again')
  assert.equal(find({ ...reopened, looks: 2 }), 'b aside')
  assert.equal(find({ ...reopened, seen: { branch: NEW }, looks: 2 }), 'b aside')
  // Its branch may be deleted by now.
  assert.equal(find({ lookup, seen: { ref: at(NEW) }, known: OLD }), 'b')
})

test('a fork’s pull request is at its own ref only', () => {
  const lookup = { headBranch: 'fb', fork: 'forker/app' }
  assert.equal(find({ lookup, seen: { ref: at(NEW), branch: NEW } }), 'b')
  const early = { lookup, seen: { ref: at(OLD), branch: NEW }, known: OLD }
  for (let looks = 0; looks < LAST; looks++) assert.equal(find({ ...early, looks }), 'again')
  // The repository doesn't have the fork's commit, and the old one is not what was told.
  assert.equal(find({ ...early, looks: LAST }), 'lost')
  // The fork has moved on: another webhook will tell.
  const ahead = { lookup, seen: { ref: at(NEW), branch: TAG }, known: OLD }
  assert.equal(find({ ...ahead, looks: LAST }), 'b')
})

test('a fork that can’t be looked at leaves the ref, which may be early in the first look', () => {
  const lookup = { headBranch: 'fb', fork: 'forker/app' }
  assert.equal(find({ lookup, seen: { ref: at(OLD) } }), 'again')
  assert.equal(find({ lookup, seen: { ref: at(NEW) }, looks: 1 }), 'b')
  assert.equal(find({ lookup, seen: { ref: at(NEW) }, known: OLD }), 'b')
  assert.equal(find({ lookup, seen: { ref: at(OLD) }, known: OLD, looks: LAST }), 'a')
})
