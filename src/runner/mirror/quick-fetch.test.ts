import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { packet } from '../../lib/git/pkt-line.ts'
import { silentLog } from '../../lib/log.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { MirrorCache } from './mirror-cache.ts'
import { listRefs } from './mirror-refs.ts'
import { quickFetch } from './quick-fetch.ts'

const env = readGitEnv()
const { signal } = new AbortController()
const openMirrors = (folder: string) => new MirrorCache({ folder, env, log: silentLog() })

function commitOf(repository: GitRepository, sha: string, cloneUrl = repository.url): CommitSource {
  return {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl,
    ref: 'refs/heads/main',
    sha,
  }
}

/** Says that it speaks version 2, and answers every request with this body, as an upload-pack would. */
async function serveBody(body: Buffer | string) {
  const server = createServer((request, response) => {
    request.resume()
    const kind = request.method === 'GET' ? 'advertisement' : 'result'
    response.writeHead(200, { 'content-type': `application/x-git-upload-pack-${kind}` })
    response.end(kind === 'result' ? body : `${packet('version 2\n')}0000`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/app`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

test('a mirror that has something asks for a commit once, and once for tags', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  await mirrors.fetchCommit(commitOf(repository, await repository.head()), signal)
  const before = repository.requests.length
  for (const text of ['b', 'c', 'd']) {
    const commit = commitOf(repository, await repository.commit({ a: text, [text]: text }))
    assert.equal((await mirrors.fetchCommit(commit, signal)).fetched, true)
    await mirrors.tags(commit, signal)
  }
  assert.deepEqual(
    repository.requests.slice(before),
    Array.from({ length: 6 }, () => 'POST /repository/git-upload-pack'),
  )
  await git([`--git-dir=${dir.join('repo_1.git')}`, 'fsck', '--full', '--strict'], { env })
})

test('all tags of the remote come with the next commit, light or annotated', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  await mirrors.fetchCommit(commitOf(repository, await repository.head()), signal)
  await repository.tag('light')
  await repository.tag('v1', 'The first')
  await repository.branch('other')
  await repository.commit({ elsewhere: 'x' })
  await repository.tag('elsewhere')
  await repository.branch('main')
  await repository.git('reset', '--quiet', '--hard', 'v1')
  const commit = commitOf(repository, await repository.commit({ a: 'b' }))
  await mirrors.fetchCommit(commit, signal)
  await mirrors.tags(commit, signal)
  const tags = await listRefs(dir.join('repo_1.git'), 'refs/tags')
  assert.deepEqual([...tags.keys()].sort(), [
    'refs/tags/elsewhere',
    'refs/tags/light',
    'refs/tags/v1',
  ])
})

test('what the quick way can not have is fetched by git, and the mirror stays whole', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  for (const body of [
    'not git at all',
    packet('ERR not our ref\n'),
    `${packet('packfile\n')}${packet('\x01PACKnonsense')}0000`,
    `${packet('packfile\n')}ffff`,
  ]) {
    await using server = await serveBody(body)
    await using dir = await tempDir()
    await using mirrors = openMirrors(dir.path)
    await mirrors.fetchCommit(commitOf(repository, await repository.head()), signal)
    const sha = await repository.commit({ a: body })
    const hostile = commitOf(repository, sha, server.url)
    await assert.rejects(mirrors.fetchCommit(hostile, signal), { code: 'unavailable' })
    const honest = commitOf(repository, sha)
    assert.equal((await mirrors.fetchCommit(honest, signal)).fetched, true)
    await git([`--git-dir=${dir.join('repo_1.git')}`, 'fsck', '--full', '--strict'], { env })
  }
})

test('a pack that lacks what its commit names is refused, and nothing of it is kept', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  await mirrors.fetchCommit(commitOf(repository, await repository.head()), signal)
  const sha = await repository.commit({ a: 'new', b: 'new' })
  const pack = execFileSync('git', ['pack-objects', '--stdout', '-q'], {
    cwd: repository.path,
    input: `${sha}\n`,
  })
  const band = Buffer.concat([Buffer.from([1]), pack])
  const length = (band.length + 4).toString(16).padStart(4, '0')
  await using server = await serveBody(
    Buffer.concat([Buffer.from(packet('packfile\n') + length), band, Buffer.from('0000')]),
  )
  const mirror = dir.join('repo_1.git')
  const facts = { version: 2, objectFormat: 'sha1' } as const
  const remote = { url: server.url, hosts: ANY_HOSTS, facts }
  const fetch = { mirror, remote, sha, ref: 'refs/narwhal/x', env, signal }
  await assert.rejects(quickFetch(fetch), { code: 'unavailable' })
  await assert.rejects(git([`--git-dir=${mirror}`, 'cat-file', '-e', sha], { env }))
  assert.equal((await listRefs(mirror, 'refs/narwhal')).has('refs/narwhal/x'), false)
})

test('an object that fsck refuses does not come in by the quick way either', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await using dir = await tempDir()
  await using mirrors = openMirrors(dir.path)
  await mirrors.fetchCommit(commitOf(repository, await repository.head()), signal)
  const blob = await repository.git('rev-parse', 'HEAD:a')
  for (const name of ['.git', '.GIT', 'git~1', '..', '.gi\u200ct']) {
    const tree = execFileSync('git', ['mktree'], {
      cwd: repository.path,
      input: `100644 blob ${blob}\t${name}\n`,
      env: { PATH: process.env['PATH'] },
    })
    const sha = await repository.git('commit-tree', '-m', 'evil', tree.toString().trim())
    await repository.git('update-ref', 'refs/heads/main', sha)
    await assert.rejects(mirrors.fetchCommit(commitOf(repository, sha), signal), name)
  }
})
