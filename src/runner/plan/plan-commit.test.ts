import assert from 'node:assert/strict'
import { stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Files, gitRepository } from '../../../test/support/git-repository.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { silentLog } from '../../lib/log.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
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
  assert.equal(file.isMissing, true)
})

test('refuses a link, a folder and a file that is too large', async () => {
  const refused: [ReturnType<typeof plan>, RegExp][] = [
    [plan({ a: 'a' }, { link: '/etc/passwd' }), /is a symbolic link/],
    [plan({ 'narwhal.yml/a': 'a' }), /is a folder/],
    [plan({ 'narwhal.yml': 'a'.repeat(1024 * 1024 + 1) }), /1048577 bytes: the limit is 1048576/],
  ]
  for (const [planned, message] of refused) {
    const { file } = await planned
    assert.ok(!file.ok)
    assert.equal(file.isMissing, undefined)
    assert.match(file.problems[0]?.message ?? '', message)
  }
})

test('cuts a title that is very long', async () => {
  const { title } = await plan({ 'narwhal.yml': 'a' }, { message: '🐋'.repeat(10_000) })
  assert.ok(title.length <= 500 && title.isWellFormed())
})

test("tells of a stranger's commit which files it changes, those that say what is run first", async () => {
  await using repository = await gitRepository({
    files: { 'narwhal.yml': 'a', 'ci/lint.yml': 'l', 'ci/old.yml': 'o', kept: 'k' },
  })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  const base = await repository.head()
  const included = [{ source: 'ci/lint.yml', sha: base, digest: 'd' }]
  const including: PipelineParser = {
    ...parser,
    parse: async (text) => ({ ok: true, plan: { name: text, jobs: [], included } }),
  }
  const changedBy = async (files: Files, over: object = {}) => {
    const sha = await repository.commit(files)
    const commit = {
      repositoryId: 'repo_1',
      repositoryName: 'acme/app',
      cloneUrl: repository.path,
      ref: 'refs/heads/main',
      sha,
    } as const
    const strange = { ...facts, event: 'pull_request', isStranger: true, base, ...over } as const
    const order = { commit, facts: strange, sources: [] }
    return (await planCommit(order, { mirrors, parser: including, env }, signal)).changed
  }
  assert.deepEqual(await changedBy({ new: 'n', 'ci/old.yml': 'x' }), {
    pipeline: [],
    others: ['ci/old.yml', 'new'],
    total: 2,
  })
  const all = await changedBy({ 'ci/lint.yml': 'm', 'narwhal.yml': 'b' })
  assert.deepEqual(all?.pipeline, ['ci/lint.yml', 'narwhal.yml'])
  assert.equal(all?.total, 4)
  // The branch that it wants into has moved on.
  await repository.git('checkout', '--quiet', '-b', 'target', base)
  const moved = await repository.commit({ 'ci/new.yml': 'n' })
  await repository.git('checkout', '--quiet', 'main')
  const onto = { base: moved, targetBranch: 'target' }
  assert.equal((await changedBy({ b: '1' }, onto))?.total, 5)
  // GitLab tells the branch, and no commit of it.
  const told = await changedBy({ d: '1' }, { base: undefined, targetBranch: 'target' })
  assert.equal(told?.total, 6)
  // What it is compared with is not known, or not there: the mirror is as good as it was.
  await repository.git('branch', 'third', base)
  const mirror = await stat(dir.join('repo_1.git'))
  assert.equal(await changedBy({ a: '1' }, { base: undefined }), undefined)
  const gone = { base: undefined, targetBranch: 'gone' }
  assert.equal(await changedBy({ a: '4' }, gone), undefined)
  assert.equal(await changedBy({ a: '2' }, { base: 'f'.repeat(40) }), undefined)
  assert.equal((await stat(dir.join('repo_1.git'))).ino, mirror.ino)
  // Nobody waits for approval of what is the repository's own.
  assert.equal(await changedBy({ a: '3' }, { isStranger: false }), undefined)
})

test('what the target branch includes is held against as well', async () => {
  await using repository = await gitRepository({
    files: { 'narwhal.yml': 'lint test', 'ci/lint.yml': 'lint' },
  })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  const base = await repository.head()
  // A file names its jobs, and includes what is called lint.
  const including: PipelineParser = {
    ...parser,
    parse: async (text, _facts, included) => {
      const lint = included.get('ci/lint.yml')
      if (text.includes('lint') && !lint) {
        return { ok: false, problems: [], wants: [{ path: 'ci/lint.yml' }] }
      }
      const jobs = text
        .split(' ')
        .map((name) => ({ name, env: {}, needs: [], labels: [], steps: [] }))
      return { ok: true, plan: { name: '', jobs } }
    },
  }
  const sha = await repository.commit({ 'narwhal.yml': 'test' })
  const commit = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha,
  } as const
  const strange = { ...facts, event: 'pull_request', isStranger: true, base } as const
  const order = { commit, facts: strange, sources: [] }
  const { target } = await planCommit(order, { mirrors, parser: including, env }, signal)
  assert.deepEqual(target?.missing, ['lint'])
})

test('both files are held against one commit of what they include of another repository', async () => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': 'of the target' } })
  await using shared = await gitRepository({ files: { 'jobs.yml': 'lint' } })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  const base = await repository.head()
  const ref = { path: 'jobs.yml', from: { repository: 'acme/ci', ref: 'main' } }
  // Between the two files the other repository gets one job more.
  const including: PipelineParser = {
    ...parser,
    parse: async (text, _facts, included) => {
      const jobs = included.get('acme/ci@main:jobs.yml')
      if (!jobs) {
        if (text === 'of the target') await shared.commit({ 'jobs.yml': 'lint test' })
        return { ok: false, problems: [], wants: [ref] }
      }
      assert.ok('text' in jobs)
      const names = jobs.text.split(' ')
      const made = names.map((name) => ({ name, env: {}, needs: [], labels: [], steps: [] }))
      return { ok: true, plan: { name: '', jobs: made } }
    },
  }
  const commit = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha: await repository.commit({ 'narwhal.yml': 'of the stranger' }),
  } as const
  const strange = { ...facts, event: 'pull_request', isStranger: true, base } as const
  const sources = [{ name: 'acme/ci', repositoryId: 'repo_2', cloneUrl: shared.path }] as const
  const order = { commit, facts: strange, sources }
  const { target } = await planCommit(order, { mirrors, parser: including, env }, signal)
  assert.deepEqual(target, { missing: [], mayFail: [], runsNothing: false })
})
