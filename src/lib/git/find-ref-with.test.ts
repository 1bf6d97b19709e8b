import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readGitEnv } from '#root/src/config/env.ts'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { findRefWith } from './find-ref-with.ts'
import { parseCloneUrl } from './git.ts'

const options = { env: readGitEnv(), signal: new AbortController().signal }

/** A commit only on a pull request's ref, whose parent is on a branch. */
async function requested(source: GitRepository): Promise<string> {
  const sha = await source.commit({ other: 'x' })
  await source.git('update-ref', 'refs/pull/1/head', sha)
  await source.git('reset', '--quiet', '--hard', 'HEAD~1')
  return sha
}

for (const serve of [false, true]) {
  const where = serve ? 'over HTTP' : 'of a local path'
  test(`a commit in the history of a branch or a tag is found ${where}, and no other`, async () => {
    await using source = await gitRepository({ files: { one: '1' }, serve })
    const first = await source.head()
    await source.commit({ one: '2' })
    await source.branch('v1-line')
    await source.commit({ one: '3' })
    const tagged = await source.commit({ one: '4' })
    await source.commit({ one: '5' })
    await source.tag('v1', 'Version 1')
    await source.git('checkout', '--quiet', 'main')
    await source.git('branch', '--quiet', '-D', 'v1-line')
    const foreign = await requested(source)
    // Forges let clients fetch any commit by its id.
    await source.git('config', 'uploadpack.allowAnySHA1InWant', 'true')
    await source.git('config', 'uploadpack.allowFilter', 'true')
    const clone = parseCloneUrl(serve ? source.url : source.path)
    const find = (sha: string) => findRefWith(clone, sha, options)
    assert.equal(await find(first), 'refs/heads/main')
    assert.equal(await find(tagged), 'refs/tags/v1')
    assert.equal(await find(foreign), undefined)
    assert.equal(await find('d'.repeat(40)), undefined)
    assert.equal(await find(await source.git('rev-parse', 'v1')), undefined)
    assert.equal(await find(await source.git('rev-parse', 'main^{tree}')), undefined)
  })
}

test('replaced and grafted commits do not put another one on a branch', async () => {
  await using source = await gitRepository({ files: { one: '1' } })
  await source.commit({ one: '2' })
  const foreign = await requested(source)
  await source.git('replace', '--graft', 'main', foreign)
  assert.equal(await findRefWith(parseCloneUrl(source.path), foreign, options), undefined)
})

test('rejects more than the maximum size, and an unreachable server', async () => {
  await using source = await gitRepository({ files: { one: '1' } })
  const sha = await source.head()
  const few = { ...options, mostBytes: 10 }
  await assert.rejects(findRefWith(parseCloneUrl(source.path), sha, few), { code: 'too_large' })
  const nobody = parseCloneUrl('http://127.0.0.1:1/none')
  await assert.rejects(findRefWith(nobody, sha, options), { code: 'unavailable' })
})
