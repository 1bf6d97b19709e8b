import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { readGitEnv } from '../../config/env.ts'
import { git, parseCloneUrl } from './git.ts'
import { LOCAL_WAY } from './git-way.ts'
import { listRemote } from './list-remote.ts'

const env = readGitEnv()

test('takes https, http, ssh and absolute paths for clone URLs', () => {
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

test('refuses what is not a clone URL', () => {
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

test('reads no local path unless that is allowed', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await assert.rejects(git(['ls-remote', '--', repository.path], { env }), {
    code: 'unavailable',
    message: /transport 'file' not allowed/,
  })
  await git(['ls-remote', '--', repository.path], { env, way: LOCAL_WAY })
})

test('never asks for a password', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true, password: 'x' })
  await assert.rejects(listRemote(parseCloneUrl(repository.url), [], { env }), {
    code: 'unavailable',
    message: /could not read Username/,
  })
})

test('tells a missing git, too much output, a time-out and an abort apart', async () => {
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
