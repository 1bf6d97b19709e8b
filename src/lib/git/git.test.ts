import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { serveFiles } from '../../../test/support/serve-files.ts'
import { readGitEnv } from '../../config/env.ts'
import { git, parseCloneUrl } from './git.ts'
import { LOCAL_WAY } from './git-way.ts'
import { findRemoteHead, listRemote } from './list-remote.ts'

const env = readGitEnv()

test('accepts https, http, ssh and absolute paths as clone URLs', () => {
  for (const url of [
    'https://example.com/acme/app.git',
    'http://127.0.0.1:8080/app',
    'ssh://git@example.com:22/acme/app.git',
    'git@example.com:acme/app.git',
  ]) {
    assert.deepEqual(parseCloneUrl(url), { url, local: false })
  }
  assert.deepEqual(parseCloneUrl('/srv/app'), { url: '/srv/app', local: true })
})

test('rejects what is not a clone URL', () => {
  for (const url of [
    '',
    '--upload-pack=touch /tmp/x',
    '-uevil',
    'ext::sh -c id',
    'eXt::sh',
    'fd::7',
    'https::x',
    'file:///etc',
    './x',
    'ssh://-oProxyCommand=touch${IFS}x/y',
    'git@-oProxyCommand:x',
    'https://user:password@example.com/app',
    'https://token@example.com/app',
    'https://example.com/a\nhost=evil',
    '\\\\server\\share',
    `https://example.com/${'a'.repeat(3000)}`,
  ]) {
    assert.throws(() => parseCloneUrl(url), { code: 'invalid' }, url)
  }
})

test('lists the refs of a repository that needs no credentials', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await repository.tag('v1', 'The first')
  const refs = await listRemote(parseCloneUrl(repository.url), ['refs/tags/*'], { env })
  assert.deepEqual([...refs], [['refs/tags/v1', await repository.head()]])
})

test('an annotated tag is at its commit, however it is asked for', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  await repository.tag('v1', 'The first')
  await repository.git('tag', '--annotate', '--message', 'Of a tag', 'v2', 'v1')
  const clone = parseCloneUrl(repository.url)
  const head = await repository.head()
  for (const name of ['refs/tags/v1', 'refs/tags/v2']) {
    assert.deepEqual([...(await listRemote(clone, [name], { env }))], [[name, head]])
    const some = await listRemote(clone, ['refs/heads/x', name, 'refs/other/*'], { env })
    assert.deepEqual([...some], [[name, head]])
  }
})

test('lists only refs that begin as the pattern does', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  const others = [
    'refs/original/refs/heads/main',
    'refs/backup/refs/tags/v9',
    'refs/x/refs/pull/1/head',
  ]
  for (const ref of [...others, 'refs/pull/1/head', 'refs/pull/1/merge', 'refs/heads/a/b']) {
    await repository.git('update-ref', ref, 'HEAD')
  }
  const list = async (...patterns: string[]) =>
    [...(await listRemote(parseCloneUrl(repository.url), patterns, { env })).keys()].sort()
  assert.deepEqual(await list('refs/heads/*', 'refs/tags/*'), ['refs/heads/a/b', 'refs/heads/main'])
  assert.deepEqual(await list('refs/heads/*', 'refs/pull/*/head'), [
    'refs/heads/a/b',
    'refs/heads/main',
    'refs/pull/1/head',
  ])
  assert.deepEqual(await list('refs/heads/main'), ['refs/heads/main'])
})

test('a server with many other refs sends no more than the wanted ones', async () => {
  for (const wanted of [[], ['refs/pull/*/head'], ['refs/merge-requests/*/head']]) {
    await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
    const clone = parseCloneUrl(repository.url)
    const bytesOf = async () => {
      const before = repository.sentBytes()
      await listRemote(clone, ['refs/heads/*', 'refs/tags/*', ...wanted], { env })
      return repository.sentBytes() - before
    }
    const few = await bytesOf()
    const head = await repository.head()
    const lines = Array.from({ length: 50_000 }, (_, n) => `${head} refs/changes/${n}/1\n`).sort()
    const packed = join(repository.path, '.git', 'packed-refs')
    await writeFile(packed, `# pack-refs with: peeled fully-peeled sorted \n${lines.join('')}`)
    assert.equal(await repository.git('rev-parse', 'refs/changes/49999/1'), head)
    assert.equal(await bytesOf(), few)
  }
})

test('a server of version 0 is read, however much it sends', async () => {
  await using repository = await gitRepository({
    files: { a: 'a' },
    serve: true,
    intercept: ({ headers }) => {
      delete headers['git-protocol']
      return false
    },
  })
  await repository.tag('v1', 'The first')
  const clone = parseCloneUrl(repository.url)
  const sha = await repository.head()
  const list = () => listRemote(clone, ['refs/heads/*', 'refs/tags/*'], { env })
  assert.deepEqual(Object.fromEntries(await list()), {
    'refs/heads/main': sha,
    'refs/tags/v1': sha,
  })
  assert.deepEqual(await findRemoteHead(clone, { env }), { sha, branch: 'refs/heads/main' })
  const head = await repository.head()
  const lines = Array.from({ length: 50_000 }, (_, n) => `${head} refs/changes/${n}/1\n`)
  const packed = join(repository.path, '.git', 'packed-refs')
  await writeFile(packed, `# pack-refs with: peeled fully-peeled \n${lines.join('')}`)
  assert.equal((await list()).size, 2)
})

test('a folder of files on an HTTP server is read as git reads it', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await repository.tag('v1', 'The first')
  await repository.git('update-server-info')
  await using server = await serveFiles(join(repository.path, '.git'))
  const clone = parseCloneUrl(server.url)
  const sha = await repository.head()
  const refs = await listRemote(clone, ['refs/heads/*', 'refs/tags/*'], { env })
  assert.deepEqual(Object.fromEntries(refs), { 'refs/heads/main': sha, 'refs/tags/v1': sha })
  assert.equal((await findRemoteHead(clone, { env }))?.sha, sha)
})

test('finds the branch that HEAD of a repository names', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  const clone = parseCloneUrl(repository.url)
  await repository.branch('another')
  const sha = await repository.head()
  assert.deepEqual(await findRemoteHead(clone, { env }), { sha, branch: 'refs/heads/another' })
  await repository.git('checkout', '--quiet', '--detach')
  assert.deepEqual(await findRemoteHead(clone, { env }), { sha, branch: undefined })
  await using empty = await gitRepository({ serve: true })
  assert.equal(await findRemoteHead(parseCloneUrl(empty.url), { env }), undefined)
})

test('reads no local path unless that is allowed', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await assert.rejects(git(['ls-remote', '--', repository.path], { env }), {
    code: 'unavailable',
    message: /transport 'file' not allowed/,
  })
  await git(['ls-remote', '--', repository.path], { env, way: LOCAL_WAY })
})

test('never prompts for a password', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true, password: 'x' })
  await assert.rejects(listRemote(parseCloneUrl(repository.url), [], { env }), {
    code: 'unavailable',
    message: /is private, or isn't there: give Narwhal a password or token .*--credentials-file/,
  })
})

test('distinguishes a missing git, too much output, a timeout and an abort', async () => {
  await assert.rejects(git(['--version'], { env: { PATH: '/nowhere' } }), {
    code: 'unavailable',
    message: /install it/,
  })
  await assert.rejects(git(['help', '--all'], { env, maxBytes: 10 }), { code: 'too_large' })
  const wait = ['-c', 'alias.wait=!sleep 60', 'wait']
  await assert.rejects(git(wait, { env, timeoutMs: 20 }), { message: /exceeded its time limit/ })
  const reason = new Error('enough')
  await assert.rejects(git(wait, { env, signal: AbortSignal.abort(reason) }), reason)
})
