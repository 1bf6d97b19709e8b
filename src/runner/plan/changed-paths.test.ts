import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { readGitEnv } from '../../config/env.ts'
import { changedPaths } from './changed-paths.ts'

const options = { env: readGitEnv(), signal: new AbortController().signal }

test('a push has changed what differs from where the branch was, in all of its commits', async () => {
  await using repository = await gitRepository({ files: { a: 'a', b: 'b', 'c d': 'c' } })
  const base = await repository.head()
  await repository.commit({ 'src/größe': 'x' })
  await repository.git('mv', 'c d', 'moved')
  const sha = await repository.commit({ a: 'new' })
  const mirror = join(repository.path, '.git')
  const paths = await changedPaths(mirror, { event: 'push', base, sha }, options)
  assert.deepEqual(paths, ['a', 'c d', 'moved', 'src/größe'])
})

test('a pull request has changed what it did itself, not what its target did meanwhile', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await repository.git('branch', 'topic')
  const base = await repository.commit({ target: 'x' })
  await repository.git('checkout', '--quiet', 'topic')
  const sha = await repository.commit({ mine: 'x' })
  const mirror = join(repository.path, '.git')
  const paths = await changedPaths(mirror, { event: 'pull_request', base, sha }, options)
  assert.deepEqual(paths, ['mine'])
})

test('what can not be told is not known', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  const sha = await repository.head()
  const mirror = join(repository.path, '.git')
  assert.equal(await changedPaths(mirror, { event: 'push', sha }, options), undefined)
  const base = 'ab'.repeat(20)
  assert.equal(await changedPaths(mirror, { event: 'push', base, sha }, options), undefined)
})
