import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { serveFiles } from '#root/test/support/serve-files.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { findHttp } from '../../lib/git/git-way.ts'
import { silentLog } from '../../lib/log.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { KnownServers } from './known-servers.ts'
import { MirrorCache } from './mirror-cache.ts'
import { listRefs } from './mirror-refs.ts'

const env = readGitEnv()
const { signal } = new AbortController()

/** A server of version 0, like one that has never heard of another, or of version 2 once that is upgraded. */
async function oldServer() {
  let version: 0 | 2 = 0
  /** Requests in version 2, apart from the question that offers it. */
  const wrong: string[] = []
  const seen = ({ method, url, headers }: IncomingMessage): boolean => {
    if (version === 2 || headers['git-protocol'] === undefined) return false
    delete headers['git-protocol']
    if (method === 'GET') return false
    wrong.push(`${method} ${url}`)
    return true
  }
  const repository = await gitRepository({
    files: { a: 'a' },
    serve: true,
    intercept: (request, response) => {
      const isWrong = seen(request)
      if (isWrong) response.writeHead(500).end()
      return isWrong
    },
  })
  return { repository, wrong, upgrade: () => void (version = 2) }
}

function commitOf(repository: GitRepository, sha: string, ref = 'refs/heads/main'): CommitSource {
  const known = { repositoryId: 'repo_1', repositoryName: 'acme/app' } as const
  return { ...known, cloneUrl: repository.url, ref, sha }
}

const openMirrors = (folder: string) => new MirrorCache({ folder, env, log: silentLog() })

test('a server that speaks version 0 gets no request in version 2', async () => {
  const { repository, wrong } = await oldServer()
  await using _repository = repository
  await using dir = await tempDir()
  // Two processes: the second one finds a mirror.
  for (const process of ['first', 'second']) {
    await using mirrors = openMirrors(dir.path)
    for (const text of ['a', 'b', 'c']) {
      const commit = commitOf(repository, await repository.commit({ a: process + text }))
      assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, true)
      await mirrors.tags(commit, signal)
    }
  }
  assert.deepEqual(wrong, [])
})

test('a server of version 0 gives its tips, what they lead to, and says what it has not', async () => {
  const { repository } = await oldServer()
  await using _repository = repository
  const old = await repository.head()
  await repository.branch('side')
  const onSide = await repository.commit({ side: '1' })
  await repository.commit({ side: '2' })
  await repository.git('checkout', '--quiet', 'main')
  const tip = await repository.commit({ a: 'b' })
  const dangling = await repository.commitAside({ a: 'c' })
  for (const sha of [tip, old, onSide]) {
    for (const ref of ['refs/heads/main', 'refs/heads/gone']) {
      await using dir = await tempDir()
      await using mirrors = openMirrors(dir.path)
      const commit = commitOf(repository, sha, ref)
      assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, true)
    }
  }
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  for (const sha of [dangling, 'ab'.repeat(20)]) {
    await assert.rejects(mirrors.fetchCommit(commitOf(repository, sha), signal), {
      code: 'unavailable',
      message: `commit ${sha} is not in acme/app (or no longer reachable from a ref)`,
    })
  }
})

test('a server of version 2 is asked once, and not distrusted for a commit that it lacks', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  const next = async () => commitOf(repository, await repository.commit({ a: `${Math.random()}` }))
  {
    await using mirrors = openMirrors(dir.path)
    await mirrors.fetchCommit(await next(), signal)
  }
  // A later process, which has not fetched by git.
  await using mirrors = openMirrors(dir.path)
  const requestsOf = async (commit: CommitSource) => {
    const before = repository.requests.length
    await mirrors.fetchCommit(commit, signal).catch(() => undefined)
    await mirrors.tags(commit, signal)
    return repository.requests.slice(before).map((line) => line.replace(/ .*\//, ' '))
  }
  const post = 'POST git-upload-pack'
  assert.deepEqual(await requestsOf(await next()), ['GET refs?service=git-upload-pack', post, post])
  assert.deepEqual(await requestsOf(await next()), [post, post])
  await requestsOf(commitOf(repository, 'ab'.repeat(20)))
  assert.deepEqual(await requestsOf(await next()), [post, post])
})

test('a server of version 0 is asked again after an hour, for it may have been upgraded', async () => {
  const { repository, upgrade } = await oldServer()
  await using _repository = repository
  let now = 0
  const servers = new KnownServers(() => now)
  const { url } = repository
  const remote = { url, hosts: ANY_HOSTS }
  const version = async () => {
    const kind = await servers.find(remote, () => findHttp(url, env), signal)
    return kind === 'files' ? kind : kind?.version
  }
  assert.equal(await version(), 0)
  upgrade()
  assert.equal(await version(), 0)
  now += 3_600_000
  assert.equal(await version(), 2)
  servers.distrust(remote)
  assert.equal(await version(), undefined)
  now += 600_000
  assert.equal(await version(), 2)
})

test('a server that has only the files of a repository is recognized, and its tags follow', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using server = await serveFiles(join(repository.path, '.git'))
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  const mirror = dir.join('repo_1.git')
  for (const tag of ['first', 'second']) {
    const sha = await repository.commit({ a: tag })
    await repository.tag(tag, 'Annotated')
    await repository.git('update-server-info')
    const commit = { ...commitOf(repository, sha), cloneUrl: server.url }
    assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, true)
    await mirrors.tags(commit, signal)
    assert.ok((await listRefs(mirror, 'refs/tags')).has(`refs/tags/${tag}`))
    // What came object by object has come into the mirror as packs.
    const counts = await git([`--git-dir=${mirror}`, 'count-objects'], { env })
    assert.match(counts, /^0 objects/)
  }
  assert.equal((await readdir(mirror)).includes('files'), false)
})
