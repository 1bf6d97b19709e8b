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
  const changed = await changedPaths(mirror, { event: 'push', base, sha }, options)
  assert.deepEqual(changed, { paths: ['a', 'c d', 'moved', 'src/größe'] })
})

test('a pull request has changed what it did itself, not what its target did meanwhile', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await repository.git('branch', 'topic')
  const base = await repository.commit({ target: 'x' })
  await repository.git('checkout', '--quiet', 'topic')
  const sha = await repository.commit({ mine: 'x' })
  const mirror = join(repository.path, '.git')
  const changed = await changedPaths(mirror, { event: 'pull_request', base, sha }, options)
  assert.deepEqual(changed, { paths: ['mine'] })
})

test('what can not be told is not known, and git says why', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  const sha = await repository.head()
  const mirror = join(repository.path, '.git')
  const base = await repository.git('commit-tree', '-m', 'Unrelated', 'HEAD^{tree}')
  for (const [event, other, why] of [
    ['push', 'ab'.repeat(20), /Invalid revision range/],
    ['pull_request', base, /no merge base/],
  ] as const) {
    const changed = await changedPaths(mirror, { event, base: other, sha }, options)
    assert.ok('unknown' in changed)
    assert.match(changed.unknown, why)
  }
})
