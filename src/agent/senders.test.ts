import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from '../forge/github/webhook.ts'

test('a push tells who made it, and of a program that it is one, however long its name', () => {
  const sha = 'a'.repeat(40)
  const push = {
    ref: 'refs/heads/main',
    after: sha,
    repository: { id: 1, full_name: 'ann/whale' },
    head_commit: { id: sha, message: 'Dive' },
    sender: { id: 9, login: `${'x'.repeat(5_000)}\n`, type: 'Bot' },
  }
  const parsed = parseGithub('push', push)
  assert.ok(parsed.kind === 'commit')
  const { sender } = parsed.event
  assert.partialDeepStrictEqual(sender, { id: 9, isBot: true })
  assert.ok(sender && sender.name.length <= 200 && !sender.name.includes('\n'))
})

test('a push needs no sender, pusher or author', () => {
  const sha = 'a'.repeat(40)
  const push = {
    ref: 'refs/heads/main',
    after: sha,
    repository: { id: 1, full_name: 'ann/whale' },
    head_commit: { id: sha, message: '\n\n' },
  }
  const parsed = parseGithub('push', push)
  assert.ok(parsed.kind === 'commit')
  const { title, author, facts, sender } = parsed.event
  // What isn't known is read from the commit.
  assert.deepEqual([title, author, sender], ['', '', undefined])
  assert.deepEqual(facts, { repositoryId: 1, headRepositoryId: 1 })
})
