import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { silentLog } from '../../lib/log.ts'
import { Checkouts } from '../checkout/checkouts.ts'
import { MirrorCache } from './mirror-cache.ts'

const env = readGitEnv()
const { signal } = new AbortController()
const limits = { bytes: 1e9, files: 1e6 }

/** A repository, a runner's mirror of it, and jobs that are checked out of it. */
async function open(urlOf: (repository: GitRepository) => string) {
  await using stack = new AsyncDisposableStack()
  let isAway = false
  const repository = stack.use(
    await gitRepository({
      files: { a: 'a' },
      serve: true,
      intercept: (_request, response) => {
        if (isAway) response.writeHead(503).end()
        return isAway
      },
    }),
  )
  const dir = stack.use(await tempDir())
  const mirrors = stack.use(new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() }))
  const checkouts = new Checkouts(mirrors, env, { limits, fetchHosts: [] })
  let jobs = 0
  /** Checks a ref out as a job of its event does; resolves to a git in its workspace. */
  const job = async (ref: string, sha: string, clone: { depth?: number } = {}) => {
    const commit: CommitSource = {
      repositoryId: 'repo_1',
      repositoryName: 'acme/app',
      cloneUrl: urlOf(repository),
      ref,
      sha,
    }
    const folder = dir.join(`job-${++jobs}`)
    await mkdir(folder)
    await mirrors.fetchCommit(commit, signal)
    if (clone.depth === undefined) await mirrors.tags(commit, signal)
    await checkouts.checkOut(commit, folder, { clone, signal })
    return async (...args: string[]) => (await git(args, { cwd: folder, env })).trim()
  }
  const owned = stack.move()
  return {
    repository,
    job,
    push: async () => {
      const sha = await repository.commit({ a: `${++jobs}` })
      return await job('refs/heads/main', sha)
    },
    setAway: (away: boolean) => void (isAway = away),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

for (const [way, urlOf] of [
  ['from a folder', ({ path }: GitRepository) => path],
  ['over HTTP', ({ url }: GitRepository) => url],
] as const) {
  test(`a tag's own job has the tag, of a commit that was built before, ${way}`, async () => {
    await using at = await open(urlOf)
    const { repository, job } = at
    const sha = await repository.head()
    await job('refs/heads/main', sha)
    await repository.tag('v1', 'The first')
    const inJob = await job('refs/tags/v1', sha)
    assert.equal(await inJob('describe', '--exact-match'), 'v1')
    await repository.tag('light')
    const shallow = await job('refs/tags/light', sha, { depth: 1 })
    assert.equal(await shallow('describe', '--tags', '--exact-match'), 'light')
  })

  test(`tags move, are deleted and make room for others as at the remote, ${way}`, async () => {
    await using at = await open(urlOf)
    const { repository, push } = at
    for (const name of ['moves', 'goes', 'v1']) await repository.tag(name)
    await repository.tag('annotated', 'The first')
    await push()
    await repository.git('tag', '--force', 'moves')
    await repository.git('tag', '--force', '--annotate', '--message', 'The second', 'annotated')
    await repository.git('tag', '--delete', 'goes', 'v1')
    await repository.tag('v1/rc')
    const tagged = await repository.head()
    const inJob = await push()
    assert.deepEqual((await inJob('tag', '--list')).split('\n'), ['annotated', 'moves', 'v1/rc'])
    for (const name of ['annotated', 'moves', 'v1/rc']) {
      assert.equal(await inJob('rev-parse', `${name}^{commit}`), tagged, name)
    }
    await repository.git('tag', '--delete', 'v1/rc')
    await repository.tag('v1')
    assert.equal(await (await push())('tag', '--list'), 'annotated\nmoves\nv1')
  })

  test(`the job of a tag that has moved on has it where it was, ${way}`, async () => {
    await using at = await open(urlOf)
    const { repository, job } = at
    const first = await repository.head()
    await repository.tag('v1', 'The first')
    await repository.commit({ a: 'b' })
    await repository.git('tag', '--force', 'v1')
    const inJob = await job('refs/tags/v1', first)
    assert.equal(await inJob('rev-parse', 'v1^{commit}'), first)
  })
}

test('tags that could not be fetched are fetched for the next job', async () => {
  await using at = await open(({ url }) => url)
  const { repository, job, setAway } = at
  const sha = await repository.head()
  await job('refs/heads/main', sha)
  await repository.tag('v1')
  setAway(true)
  await assert.rejects(job('refs/tags/v1', sha), { code: 'unavailable' })
  await assert.rejects(job('refs/heads/main', sha), { code: 'unavailable' })
  setAway(false)
  const inJob = await job('refs/heads/main', sha)
  assert.equal(await inJob('tag', '--list'), 'v1')
})

test('a tag that is refused keeps no shallow job away, and the others say so', async () => {
  await using at = await open(({ path }) => path)
  const { repository, job } = at
  const input = `100644 blob ${await repository.git('hash-object', '-w', 'a')}\t.git\n`
  const tree = execFileSync('git', ['mktree'], { cwd: repository.path, input }).toString().trim()
  const wrong = await repository.git('commit-tree', '-m', 'Wrong', tree)
  await repository.git('tag', 'wrong', wrong)
  const sha = await repository.head()
  await job('refs/heads/main', sha, { depth: 1 })
  await assert.rejects(job('refs/heads/main', sha), /hasDotgit/)
  await repository.git('tag', '--delete', 'wrong')
  const inJob = await job('refs/heads/main', sha)
  assert.equal(await inJob('tag', '--list'), '')
})
