import assert from 'node:assert/strict'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import { silentLog } from '../../lib/log.ts'
import { parseInclude } from '../../pipeline-file/read/include-ref.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
import { IncludeLoader } from './load-include.ts'

test('brings files of the commit, and of repositories that are allowed', async () => {
  await using own = await gitRepository()
  await using shared = await gitRepository({ files: { 'jobs/a.yml': 'first' } })
  await shared.tag('v1')
  await shared.tag('v1.0', 'The first')
  const first = await shared.head()
  const newest = await shared.commit({ 'jobs/a.yml': 'newest' })
  await mkdir(join(own.path, 'ci'), { recursive: true })
  await symlink('/etc/passwd', join(own.path, 'ci', 'link.yml'))
  const sha = await own.commit({ 'ci/a.yml': 'own', 'ci/large.yml': 'x'.repeat(1024 * 1024 + 1) })
  await using dir = await tempDir()
  const env = readGitEnv()
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  const commit = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: own.path,
    ref: 'refs/heads/main',
    sha,
  } as const
  const sources = [{ name: 'Acme/CI', repositoryId: 'repo_2', cloneUrl: shared.path }] as const
  const { signal } = new AbortController()
  const loader = new IncludeLoader({ commit, mirrors, env, sources }, signal)
  const load = async (text: string) => {
    const ref = parseInclude(text)
    assert.ok(ref, text)
    return await loader.load(ref)
  }
  assert.deepEqual(await load('ci/a.yml'), { text: 'own', sha })
  assert.deepEqual(await load('acme/ci@main:jobs/a.yml'), { text: 'newest', sha: newest })
  assert.deepEqual(await load('acme/ci@v1:jobs/a.yml'), { text: 'first', sha: first })
  assert.deepEqual(await load('acme/ci@v1.0:jobs/a.yml'), { text: 'first', sha: first })
  assert.deepEqual(await load(`acme/ci@${first}:jobs/a.yml`), { text: 'first', sha: first })
  const tagObject = await shared.git('rev-parse', 'v1.0')
  assert.deepEqual(await load(`acme/ci@${tagObject}:jobs/a.yml`), { text: 'first', sha: first })
  const trouble = async (text: string): Promise<string> => {
    const loaded = await load(text)
    return 'trouble' in loaded ? loaded.trouble : ''
  }
  assert.equal(await trouble('ci/b.yml'), `there is no such file at commit ${sha}`)
  assert.equal(await trouble('no/b.yml'), `there is no such file at commit ${sha}`)
  assert.match(await trouble('ci/link.yml'), /is a symbolic link: it must be a regular file/)
  assert.match(await trouble('ci/link.yml/a.yml'), /link\.yml in .* isn't a folder/)
  assert.match(await trouble('ci/large.yml'), /the limit is 1048576 \(1 MiB\)/)
  assert.match(await trouble('acme/ci@v2:jobs/a.yml'), /Acme\/CI has no branch or tag v2/)
  assert.match(await trouble('acme/app@main:ci/a.yml'), /allows no includes from acme\/app/)
})
