import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { readGitEnv } from '../../config/env.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { parseCloneUrl } from '../../lib/git/git.ts'
import { silentLog } from '../../lib/log.ts'
import { OwnCommits } from './own-commits.ts'

const deps = { gitEnv: readGitEnv(), log: silentLog() }

test('a lookup that times out finds nothing, also for those queued behind it', async () => {
  await using silent = await gitRepository({
    files: { a: 'a' },
    serve: true,
    intercept: () => true,
  })
  await using other = await gitRepository({ files: { a: 'a' } })
  const { signal } = new AbortController()
  const ownCommits = new OwnCommits({ ...deps, signal, lookUpMs: 300 })
  const clone = parseCloneUrl(silent.url)
  const sha = await silent.head()
  const asked = Array.from({ length: 12 }, () => ownCommits.find(clone, sha))
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([undefined]))
  const patient = new OwnCommits({ ...deps, signal })
  const head = await other.head()
  assert.equal(await patient.find(parseCloneUrl(other.path), head), 'refs/heads/main')
})

test('a dispatcher that stops does not wait for a server', async () => {
  await using silent = await gitRepository({
    files: { a: 'a' },
    serve: true,
    intercept: () => true,
  })
  const stop = new AbortController()
  const ownCommits = new OwnCommits({ ...deps, signal: stop.signal })
  const asked = ownCommits.find(parseCloneUrl(silent.url), await silent.head())
  stop.abort(new NarwhalError('cancelled', 'it stops'))
  await assert.rejects(asked, { code: 'cancelled' })
})
