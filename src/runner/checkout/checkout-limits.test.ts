import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { silentLog } from '../../lib/log.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
import { ObjectReader } from '../mirror/object-reader.ts'
import { TreeSizes } from './checkout-limits.ts'
import { Checkouts } from './checkouts.ts'

const env = readGitEnv()

test('a commit with too many files, too large ones, or folders too deep is refused before it is written', async () => {
  const deep = `${'d/'.repeat(201)}f`
  await using repository = await gitRepository({ files: { a: 'a'.repeat(900), 'b/c': 'c' } })
  const sha = await repository.head()
  using objects = new ObjectReader(join(repository.path, '.git'), env)
  await new TreeSizes({ files: 4, bytes: 901 }).check(objects, sha)
  const refused = { code: 'too_large', message: /clone_failed: limit$/ }
  await assert.rejects(new TreeSizes({ files: 3, bytes: 1e9 }).check(objects, sha), refused)
  await assert.rejects(new TreeSizes({ files: 1e6, bytes: 900 }).check(objects, sha), refused)
  const nested = await repository.commit({ [deep]: 'f' })
  await assert.rejects(new TreeSizes({ files: 1e6, bytes: 1e9 }).check(objects, nested), refused)
})

test('ten levels of ten equal folders are known for what they are in no time', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  let below = `100644 blob ${await repository.git('rev-parse', 'HEAD:a')}`
  let id = ''
  for (let level = 0; level < 10; level++) {
    const entries = Array.from({ length: 10 }, (_, i) => `${below}\tn${i}`).join('\n')
    const file = join(repository.path, '.git', 'entries')
    await writeFile(file, `${entries}\n`)
    id = await repository.git('-c', `alias.make=!git mktree < .git/entries`, 'make')
    below = `040000 tree ${id}`
  }
  const sha = await repository.git('commit-tree', id, '-m', 'A bomb')
  using objects = new ObjectReader(join(repository.path, '.git'), env)
  const sizes = new TreeSizes({ files: 1e6, bytes: 1e12 })
  await assert.rejects(sizes.check(objects, sha), {
    code: 'too_large',
    message: /more files than the limit of 1000000/,
  })
})

test('a checkout that turns out to be too large ends, and says so', async () => {
  await using repository = await gitRepository({ files: { a: 'a'.repeat(900), b: 'b' } })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  }
  const limits = { files: 10, bytes: 900 }
  const checkouts = new Checkouts(mirrors, env, { limits, fetchHosts: [] })
  const { signal } = new AbortController()
  const folder = dir.join('workspace')
  await mkdir(folder)
  await assert.rejects(checkouts.checkOut(commit, folder, { signal }), { code: 'too_large' })
})
