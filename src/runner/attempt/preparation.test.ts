import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { silentLog } from '../../lib/log.ts'
import { Checkouts } from '../checkout/checkouts.ts'
import { Trash } from '../disk/trash.ts'
import { FakeExecutor } from '../executor/fake/fake.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
import { Preparation } from './preparation.ts'

const { signal } = new AbortController()

test('a job that wants no clone gets an empty workspace, and nothing is fetched for it', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  const gitEnv = readGitEnv()
  const limits = { files: 100, bytes: 1000 }
  await using mirrors = new MirrorCache({ folder: dir.path, env: gitEnv, log: silentLog() })
  await using trash = new Trash(dir.join('trash'))
  const checkouts = new Checkouts(mirrors, gitEnv, { limits, fetchHosts: [] })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.url,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  }
  const prepare = async (clone: 'none' | { depth: number }, name: string) => {
    const preparation = new Preparation(
      { executor: new FakeExecutor(), mirrors, checkouts, trash },
      {
        commit,
        clone,
        sandbox: {
          name,
          workspace: folderWorkspace(dir.join(name)),
          limits: { memoryBytes: 1, cpus: 1, processes: 1 },
          isStranger: false,
        },
        signal,
        onPhase: () => {},
      },
    )
    await preparation.ready
    const names = await readdir(dir.join(name))
    await preparation.clear(silentLog())
    return names.toSorted()
  }
  assert.deepEqual(await prepare('none', 'empty'), [])
  assert.deepEqual(repository.requests, [])
  assert.deepEqual(await prepare({ depth: 1 }, 'short'), ['.git', 'a'])
})
