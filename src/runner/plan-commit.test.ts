import assert from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Files, gitRepository } from '../../test/support/git-repository.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { readGitEnv } from '../config/env.ts'
import type { CommitSource } from '../contract/attempt.ts'
import { silentLog } from '../lib/log.ts'
import { MirrorCache } from './mirror/mirror-cache.ts'
import { type PipelineParser, planCommit } from './plan-commit.ts'

const env = readGitEnv()
const { signal } = new AbortController()

const facts = { event: 'push', title: '', author: '', isStranger: false, inputs: {} } as const

/** Gives the text back as the plan's name. */
const parser: PipelineParser = {
  parse: async (text) => ({ ok: true, plan: { name: text, jobs: [] } }),
  [Symbol.asyncDispose]: async () => {},
}

async function plan(files: Files, options: { link?: string; message?: string } = {}) {
  await using repository = await gitRepository()
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  if (options.link) await symlink(options.link, join(repository.path, 'narwhal.yml'))
  const sha = await repository.commit(files, options.message)
  // What lies in the working tree is of no interest.
  await repository.git('rm', '-r', '--quiet', '--force', '.')
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha,
  }
  return {
    sha,
    ...(await planCommit({ commit, facts, sources: [] }, { mirrors, parser, env }, signal)),
  }
}

test('reads the file, the title and the author of the commit', async () => {
  const text = 'name: größer\n'
  const planned = await plan(
    { 'narwhal.yml': text, 'sub/narwhal.yml': 'no' },
    { message: 'Grow\n\nMore.' },
  )
  assert.deepEqual(planned.file, { ok: true, plan: { name: text, jobs: [] } })
  assert.equal(planned.title, 'Grow')
  assert.equal(planned.author, 'Ada')
  assert.ok(planned.fetchMs > 0)
})

test('says what is missing, and the shortest file that there can be', async () => {
  const { file, sha } = await plan({ 'sub/narwhal.yml': 'steps: []' })
  assert.ok(!file.ok)
  assert.match(file.problems[0]?.message ?? '', new RegExp(`no narwhal.yml at commit ${sha}`))
  assert.match(file.problems[0]?.message ?? '', /`steps: \[echo hello\]`/)
})

test('refuses a link, a folder and a file that is too large', async () => {
  const refused: [ReturnType<typeof plan>, RegExp][] = [
    [plan({ a: 'a' }, { link: '/etc/passwd' }), /is a symbolic link/],
    [plan({ 'narwhal.yml/a': 'a' }), /is a folder/],
    [plan({ 'narwhal.yml': 'a'.repeat(1024 * 1024 + 1) }), /1048577 bytes: at most 1048576/],
  ]
  for (const [planned, message] of refused) {
    const { file } = await planned
    assert.ok(!file.ok)
    assert.match(file.problems[0]?.message ?? '', message)
  }
})

test('cuts a title that is very long', async () => {
  const { title } = await plan({ 'narwhal.yml': 'a' }, { message: '🐋'.repeat(10_000) })
  assert.ok(title.length <= 500 && title.isWellFormed())
})
