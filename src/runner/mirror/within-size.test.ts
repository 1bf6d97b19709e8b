import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import { silentLog } from '../../lib/log.ts'
import { MirrorCache } from './mirror-cache.ts'
import { withinSize } from './within-size.ts'

const { signal } = new AbortController()
const TOO_LARGE = { code: 'too_large', message: /exceeds the 1 MiB limit .* raise .*mirror-size/ }

test('a fetch that never ends is ended when the mirror is full', async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('objects', 'pack'), { recursive: true })
  const fetch = async (limited: AbortSignal): Promise<void> => {
    while (!limited.aborted) {
      await appendFile(dir.join('objects', 'pack', 'tmp_pack_1'), Buffer.alloc(100_000))
      await sleep(1)
    }
    limited.throwIfAborted()
  }
  const limit = { mirror: dir.path, maxBytes: 1024 * 1024, signal }
  await assert.rejects(withinSize(limit, fetch), TOO_LARGE)
})

test('a repository that is too large is refused each time, and takes nothing', async () => {
  await using repository = await gitRepository({
    files: { a: randomBytes(1_500_000).toString('hex') },
    serve: true,
  })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({
    folder: dir.path,
    env: readGitEnv(),
    log: silentLog(),
    maxBytes: 1024 * 1024,
  })
  const commit = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.url,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  } as const
  await assert.rejects(mirrors.fetchCommit(commit, signal), TOO_LARGE)
  await assert.rejects(mirrors.fetchCommit(commit, signal), TOO_LARGE)
  assert.deepEqual(await readdir(dir.path), [])
})
