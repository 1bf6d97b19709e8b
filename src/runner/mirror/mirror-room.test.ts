import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { silentLog } from '../../lib/log.ts'
import { MirrorCache } from './mirror-cache.ts'

const env = readGitEnv()
const { signal } = new AbortController()

test('the mirrors that were not used for longest make room, and none that is in use', async () => {
  const text = Array.from({ length: 3000 }, () => Math.random()).join()
  await using repository = await gitRepository({ files: { text } })
  await using dir = await tempDir()
  const sha = await repository.head()
  const commitOf = (id: number): CommitSource => ({
    repositoryId: `repo_${id}`,
    repositoryName: `acme/app-${id}`,
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha,
  })
  const listed = async () => (await readdir(dir.path)).toSorted()
  await using mirrors = new MirrorCache({
    folder: dir.path,
    env,
    log: silentLog(),
    maxBytes: 2.5 * 25_000,
  })
  for (const id of [1, 2]) await mirrors.fetchCommit(commitOf(id), signal)
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  const reading = mirrors.read(commitOf(1), signal, async () => await done)
  for (const id of [3, 4]) await mirrors.fetchCommit(commitOf(id), signal)
  await eventually(async () => assert.deepEqual(await listed(), ['repo_1.git', 'repo_4.git']))
  finish()
  await reading
  // What was removed comes back when it is wanted, and then others go.
  assert.equal((await mirrors.fetchCommit(commitOf(2), signal)).fetched, true)
  assert.equal((await mirrors.fetchCommit(commitOf(3), signal)).fetched, true)
  await eventually(async () => assert.deepEqual(await listed(), ['repo_2.git', 'repo_3.git']))
})
