import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import { finished, pipelineOf, register, settled, startUp } from '../support/installation.ts'

const FILE = JSON.stringify({ jobs: { test: { steps: ['print ran'] } } })
/** Control characters, those that change the direction of text, and those of zero width. */
const HIDDEN = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u

test('SEC-29: texts of commits and webhooks are shown without invisible characters', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const { client } = narwhal
  await source.git('config', 'user.name', 'a\u202ed\u200ba')
  const message = `safe \u202egnp.exe\u2066\u001b[31m ${'x'.repeat(5_000)}`
  await source.git(
    'commit',
    '--quiet',
    '--allow-empty',
    '--author',
    'a\u202ed\u200ba <a@b>',
    '-m',
    message,
  )
  const name = 'ada/hides'
  await client.addRepository({ name, cloneUrl: source.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: name, ref: 'refs/heads/main' })
  const { pipeline } = await finished(narwhal, id)
  const { title, author } = pipeline.event
  assert.equal(author, 'ada')
  assert.match(title, /^safe gnp\.exe\[31m x+$/)
  assert.ok(title.length > 400 && title.length <= 500, `${title.length}`)
})

test('STR-60: approvers see the names of a commit’s files with invisible characters escaped', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path)
  const commit = await pullCommit(source, 1, {
    'docs/\u202etxt.sh': 'x',
    'a\u200b/\n\u2066b': 'x',
    plain: 'x',
  })
  const payload = pullRequestPayload(repository.forge, { ...commit, headRepositoryId: 999 })
  const { secret } = repository
  const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
  const { id } = await pipelineOf(narwhal, body.eventId)
  const { changed } = await eventually(async () => {
    const { pipeline } = await narwhal.client.getPipeline(id)
    return pipeline.approval ? pipeline : null
  })
  assert.ok(changed)
  const names = [String.raw`a\u{200b}/\u{a}\u{2066}b`, String.raw`docs/\u{202e}txt.sh`, 'plain']
  assert.deepEqual(changed.others.toSorted(), names)
  for (const path of changed.others) assert.doesNotMatch(path, HIDDEN)
})

test('STR-61: a pull request whose author was deleted is nobody’s, even if a known author has reopened it', async () => {
  const KNOWN = 8
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path)
  const { secret } = repository
  let number = 0
  const tell = async (author: object | null) => {
    const commit = await pullCommit(source, ++number, { stamp: `${number}` })
    const told = pullRequestPayload(repository.forge, { ...commit, headRepositoryId: 999 })
    const payload = {
      ...told,
      action: 'reopened',
      sender: { id: KNOWN, login: 'known' },
      pull_request: { ...told.pull_request, user: author },
    }
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await settled(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }
  const user = { id: KNOWN, login: 'known' }
  const merged = {
    action: 'closed',
    repository: { id: repository.forge.id, full_name: repository.forge.fullName },
    pull_request: { number: 99, user, merged: true, base: { repo: { id: repository.forge.id } } },
  }
  await deliver(narwhal.agentUrl, { event: 'pull_request', payload: merged, secret })
  const own = await tell(user)
  assert.equal(own.outcome, 'success')
  const ghost = await tell(null)
  assert.equal(ghost.approval?.status, 'needed')
  assert.notEqual(ghost.status, 'finished')
})
