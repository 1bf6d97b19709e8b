import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { readGitEnv } from '../../src/config/env.ts'
import type { CommitSource } from '../../src/contract/rpc/attempt.ts'
import { git } from '../../src/lib/git/git.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Checkouts } from '../../src/runner/checkout/checkouts.ts'
import { MirrorCache } from '../../src/runner/mirror/mirror-cache.ts'
import { UNLIMITED } from '../../src/runner/runner-options.ts'
import { gitRepository } from '../support/git-repository.ts'
import { tempDir } from '../support/temp-dir.ts'

const env = readGitEnv()
const { signal } = new AbortController()

test('SEC-12: a stranger’s workspace has the objects reachable from its commit, and no others of the mirror', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await repository.tag('v1', 'The first')
  const base = await repository.head()
  await repository.branch('wip')
  const taken = await repository.commit({ key: 'aws_key=WIP-LEAK-CANARY-777' })
  await repository.tag('of-wip')
  await repository.git('checkout', '--quiet', '--detach', base)
  const sha = await repository.commit({ b: '2' }, 'From a fork')
  await repository.git('update-ref', 'refs/pull/1/head', sha)
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const common = {
    repositoryId: 'repo_1',
    repositoryName: 'ada/a',
    cloneUrl: repository.path,
  } as const
  const own: CommitSource = { ...common, ref: 'refs/heads/wip', sha: taken }
  const theirs: CommitSource = { ...common, ref: 'refs/pull/1/head', sha, isStranger: true }
  for (const commit of [own, theirs]) {
    await mirrors.fetchCommit(commit, signal)
    await mirrors.tags(commit, signal)
  }
  const folder = dir.join('theirs')
  await mkdir(folder)
  const checkouts = new Checkouts(mirrors, env, UNLIMITED)
  await checkouts.checkOut(theirs, folder, { signal })
  const inFolder = (...args: string[]): Promise<string> => git(args, { cwd: folder, env, signal })
  const objects = await inFolder('cat-file', '--batch-all-objects', '--batch-check')
  assert.ok(objects.includes(sha) && !objects.includes(taken))
  const blob = await repository.git('rev-parse', 'wip:key')
  assert.ok(!objects.includes(blob))
  await assert.rejects(inFolder('cat-file', '-p', blob))
  // History and its tags exist, as in any other workspace.
  assert.equal((await inFolder('rev-list', '--count', 'HEAD')).trim(), '2')
  assert.match(await inFolder('describe'), /^v1-1-g/)
  assert.equal((await inFolder('for-each-ref', '--format=%(refname)')).trim(), 'refs/tags/v1')
  assert.equal((await inFolder('status', '--porcelain')).trim(), '')
})
