import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyVault } from '#root/test/support/empty-vault.ts'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { readGitEnv } from '../../config/env.ts'
import { aRepository } from '../../store/contract/fixtures.ts'
import { manualEvent } from './manual-event.ts'

/** Where a start leads; no commit is of a branch or tag but those that stand at it. */
async function start({ url }: GitRepository, ref?: string) {
  const record = aRepository({ cloneUrl: url })
  const ownCommits = { find: async () => undefined }
  const { signal } = new AbortController()
  const git = { vault: await emptyVault(), env: readGitEnv(), signal, ownCommits }
  const event = await manualEvent(record, { ref }, git)
  return [event.ref, event.sha]
}

test('by default a start is for the branch that HEAD names, whatever stands at the same commit', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  const sha = await repository.head()
  await repository.branch('develop')
  assert.deepEqual(await start(repository), ['refs/heads/develop', sha])
  await repository.git('checkout', '--quiet', '--detach')
  assert.deepEqual(await start(repository), ['refs/heads/main', sha])
})

test('a start for an annotated tag is for the commit that it stands for', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  const sha = await repository.head()
  await repository.tag('v1', 'The first')
  await repository.commit({ a: 'b' })
  assert.deepEqual(await start(repository, 'v1'), ['refs/tags/v1', sha])
  assert.deepEqual(await start(repository, 'refs/tags/v1'), ['refs/tags/v1', sha])
  const object = await repository.git('rev-parse', 'v1')
  assert.deepEqual(await start(repository, object), ['refs/tags/v1', sha])
})

test('a ref that only ends like a branch is none', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await repository.git('update-ref', 'refs/original/refs/heads/old', 'HEAD')
  await assert.rejects(start(repository, 'old'), { code: 'not_found' })
})
