import assert from 'node:assert/strict'
import { readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { silentLog } from '../../lib/log.ts'
import { newId } from '../../lib/new-id.ts'
import { MirrorCache } from './mirror-cache.ts'

const env = readGitEnv()
const { signal } = new AbortController()

const openMirrors = (folder: string) => new MirrorCache({ folder, env, log: silentLog() })

function commitOf(repository: GitRepository, sha: string, ref = 'refs/heads/main'): CommitSource {
  const cloneUrl = repository.url.startsWith('http') ? repository.url : repository.path
  return { repositoryId: 'repo_1', repositoryName: 'acme/app', cloneUrl, ref, sha }
}

test('fetches a commit once, also when many ask at the same time', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  const commit = commitOf(repository, await repository.head())
  const results = await Promise.all([1, 2, 3].map(() => mirrors.fetchCommit(commit, signal)))
  assert.ok(results.every(({ fetched }) => fetched))
  const asked = () => repository.requests.filter((line) => line.startsWith('POST')).length
  const before = asked()
  assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, false)
  assert.equal(asked(), before)

  const next = commitOf(repository, await repository.commit({ b: 'b' }))
  assert.equal((await mirrors.fetchCommit(next, signal)).fetched, true)
})

test('finds the commits of a former process', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using dir = await tempDir()
  const commit = commitOf(repository, await repository.head())
  {
    await using mirrors = openMirrors(dir.path)
    await mirrors.fetchCommit(commit, signal)
  }
  await using mirrors = openMirrors(dir.path)
  assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, false)
})

test('fetches the ref where the server gives no bare object name', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  // Version 0 of the protocol refuses what no ref points to.
  await repository.git('config', 'uploadpack.allowTipSHA1InWant', 'false')
  const old = await repository.head()
  await repository.commit({ b: 'b' })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  await git(['init', '--quiet', '--bare', '--', dir.join('repo_1.git')], { env })
  await git([`--git-dir=${dir.join('repo_1.git')}`, 'config', 'protocol.version', '0'], { env })
  assert.equal((await mirrors.fetchCommit(commitOf(repository, old), signal)).fetched, true)
})

test('says which commit is not in which repository', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  for (const ref of ['refs/heads/main', 'refs/heads/gone']) {
    const commit = commitOf(repository, 'ab'.repeat(20), ref)
    await assert.rejects(mirrors.fetchCommit(commit, signal), {
      code: 'unavailable',
      message: /^commit (ab){20} is not in acme\/app/,
    })
  }
})

test('says so when a repository is away, asks for a password, or has a wrong URL', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true, password: 'x' })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  const commit = commitOf(repository, await repository.head())
  await assert.rejects(mirrors.fetchCommit(commit, signal), {
    code: 'unavailable',
    message: /can't fetch acme\/app: http:.* is private, or isn't there: .*--credentials-file/,
  })
  const away = { ...commit, cloneUrl: dir.join('nowhere') }
  await assert.rejects(mirrors.fetchCommit(away, signal), {
    code: 'unavailable',
    message: /can't fetch acme\/app: git fetch failed/,
  })
  const wrong = { ...commit, cloneUrl: 'ext::sh -c id' }
  await assert.rejects(mirrors.fetchCommit(wrong, signal), { code: 'invalid' })
})

test('the id of an annotated tag is that of its commit; what has none is refused', async () => {
  for (const serve of [false, true]) {
    await using repository = await gitRepository({ files: { a: 'a' }, serve })
    const sha = await repository.head()
    await repository.tag('v1', 'The first')
    await repository.git('tag', '--annotate', '--message', 'Of a tag', 'v2', 'v1')
    await repository.git('tag', '--annotate', '--message', 'Of a file', 'file', 'HEAD:a')
    await using dir = await tempDir()
    await using mirrors = openMirrors(dir.path)
    const fetch = async (revision: string, ref: string) => {
      const id = await repository.git('rev-parse', revision)
      return (await mirrors.fetchCommit(commitOf(repository, id, ref), signal)).sha
    }
    for (const ref of ['refs/tags/v2', 'refs/tags/v1', 'refs/heads/main']) {
      assert.equal(await fetch('v2', ref), sha)
      assert.equal(await fetch('v1', ref), sha)
    }
    const invalid = (message: RegExp) => ({ code: 'invalid', message })
    const blob = invalid(/is a blob, not a commit/)
    await assert.rejects(fetch('HEAD:a', 'refs/heads/main'), blob)
    const tag = invalid(/is a tag of a blob, not a commit/)
    await assert.rejects(fetch('file', 'refs/tags/file'), tag)
  }
})

test('keeps a branch and another below its name apart', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  await repository.branch('topic')
  const first = await repository.commit({ b: '1' })
  await mirrors.fetchCommit(commitOf(repository, first, 'refs/heads/topic'), signal)
  await repository.git('checkout', '-q', '--detach')
  await repository.git('branch', '-D', 'topic')
  await repository.branch('topic/next')
  const second = await repository.commit({ b: '2' })
  const commit = commitOf(repository, second, 'refs/heads/topic/next')
  assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, true)
})

test('makes a broken mirror anew', async () => {
  await using repository = await gitRepository({ files: { a: 'a'.repeat(5000) } })
  await using dir = await tempDir()
  const first = commitOf(repository, await repository.head())
  const mirror = dir.join('repo_1.git')
  const readFileA = (path: string) =>
    git([`--git-dir=${path}`, 'cat-file', 'blob', `${first.sha}:a`], { env })
  await using mirrors = openMirrors(dir.path)

  const damages = [
    async () => {
      const packs = join(mirror, 'objects', 'pack')
      for (const name of await readdir(packs)) await truncate(join(packs, name), 20)
    },
    () => writeFile(join(mirror, 'HEAD'), ''),
    () => rm(mirror, { recursive: true }),
  ]
  for (const damage of damages) {
    await mirrors.fetchCommit(first, signal)
    // git makes packs read-only, and root may write nevertheless.
    await git(['--version'], { env })
    await damage()
    assert.equal((await mirrors.read(first, signal, readFileA)).length, 5000)
  }

  await writeFile(join(mirror, 'HEAD'), '')
  const next = commitOf(repository, await repository.commit({ b: 'b' }))
  assert.equal((await mirrors.fetchCommit(next, signal)).fetched, true)
})

test('a lock that was left keeps nobody out for ever', async () => {
  for (const serve of [false, true]) {
    await using repository = await gitRepository({ files: { a: 'a' }, serve })
    await using dir = await tempDir()
    const mirror = dir.join('repo_1.git')
    const next = async () => commitOf(repository, await repository.commit({ a: newId('event') }))
    const ref = async (): Promise<string> => {
      const [name = ''] = await readdir(join(mirror, 'refs', 'narwhal'))
      return join(mirror, 'refs', 'narwhal', name)
    }
    {
      await using mirrors = openMirrors(dir.path)
      await mirrors.fetchCommit(await next(), signal)
    }
    // By a process that was killed: what is there stays.
    for (const path of [await ref(), join(mirror, 'packed-refs')])
      await writeFile(`${path}.lock`, '')
    await writeFile(join(mirror, 'kept'), '')
    await using mirrors = openMirrors(dir.path)
    assert.equal((await mirrors.fetchCommit(await next(), signal)).fetched, true)
    assert.ok((await readdir(mirror)).includes('kept'))
    // By a git of this process: the mirror is made anew.
    await writeFile(`${await ref()}.lock`, '')
    assert.equal((await mirrors.fetchCommit(await next(), signal)).fetched, true)
    assert.equal((await mirrors.fetchCommit(await next(), signal)).fetched, true)
  }
})

test('joins packs when there are many, and loses no commit', async () => {
  await using repository = await gitRepository()
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  const commits: CommitSource[] = []
  for (let i = 0; i < 18; i++) {
    const commit = commitOf(repository, await repository.commit({ a: `${i}` }))
    await mirrors.fetchCommit(commit, signal)
    commits.push(commit)
  }
  const packs = dir.join('repo_1.git', 'objects', 'pack')
  await eventually(async () => (await readdir(packs)).length < 16 * 2)
  for (const { sha } of commits) {
    await git([`--git-dir=${dir.join('repo_1.git')}`, 'cat-file', '-e', sha], { env })
  }
})

test('stops fetching when nobody waits any more', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  const commit = commitOf(repository, await repository.head())
  const one = new AbortController()
  const asked = mirrors.fetchCommit(commit, one.signal)
  const other = mirrors.fetchCommit(commit, signal)
  one.abort(new Error('not needed any more'))
  await assert.rejects(asked, { message: 'not needed any more' })
  assert.equal((await other).fetched, true)
})
