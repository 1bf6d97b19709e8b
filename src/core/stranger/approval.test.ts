import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Trust } from '../commit-event.ts'
import { type ApprovalRules, accountsOf, type KnownAuthors, reasonToWait } from './approval.ts'
import type { ChangedFiles } from './changed-files.ts'

const stranger = { stranger: 'other_repository', actorId: 8 } as const
const code: ChangedFiles = { pipeline: [], others: ['src/a.ts'], total: 1 }
const file: ChangedFiles = { pipeline: ['narwhal.yml'], others: [], total: 1 }

function why(
  trust: Trust,
  merged: readonly number[],
  more: {
    rules?: ApprovalRules
    changed?: ChangedFiles | undefined
    trouble?: KnownAuthors['trouble']
  } = {},
) {
  const { rules = {}, trouble } = more
  const authors = { accounts: accountsOf(trust), merged: new Set(merged) }
  const known = trouble ? { ...authors, trouble } : authors
  return reasonToWait(trust, rules, known, 'changed' in more ? more.changed : code)?.because
}

test('a newcomer waits, and one of whom something was merged does not', () => {
  assert.equal(why(stranger, []), 'newcomer')
  assert.equal(why(stranger, [9]), 'newcomer')
  assert.equal(why(stranger, [8]), undefined)
  assert.equal(why({ stranger: 'polled_request' }, [8]), 'account_unknown')
  // Somebody else has brought it: both count.
  assert.equal(why({ ...stranger, senderId: 9 }, [8]), 'newcomer')
  assert.equal(why({ ...stranger, senderId: 9 }, [8, 9]), undefined)
  assert.equal(why({ actorId: 8 }, []), undefined)
})

test('where the forge was not asked or has not answered, that is the reason, and it waits', () => {
  const trouble = { because: 'forge_silent', words: 'it answered 500' } as const
  assert.equal(why(stranger, [], { trouble }), 'forge_silent')
  assert.equal(why({ stranger: 'polled_request' }, [], { trouble }), 'forge_silent')
  assert.equal(why(stranger, [8], { trouble }), undefined)
})

test('a repository may have all strangers wait, or nobody', () => {
  assert.equal(why(stranger, [8], { rules: { approval: 'all-strangers' } }), 'all_strangers')
  assert.equal(why({ actorId: 8 }, [], { rules: { approval: 'all-strangers' } }), undefined)
  assert.equal(why(stranger, [], { rules: { approval: 'nobody' }, changed: file }), undefined)
})

test('who is known waits all the same with a change of what is run, or one that is not known', () => {
  assert.equal(why(stranger, [8], { changed: file }), 'pipeline_files')
  assert.equal(why(stranger, [8], { changed: undefined }), 'files_unknown')
  const rules = { pipelineFiles: 'run' } as const
  assert.equal(why(stranger, [8], { rules, changed: file }), undefined)
  assert.equal(why(stranger, [8], { rules, changed: undefined }), undefined)
  // It is no way round the other rule.
  assert.equal(why(stranger, [], { rules }), 'newcomer')
})

test('an account that is listed as a stranger waits, however much of it was merged', () => {
  assert.equal(why({ stranger: 'listed_account', actorId: 8 }, [8]), 'listed_account')
})
