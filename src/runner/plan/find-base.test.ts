import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GitRepository, gitRepository } from '../../../test/support/git-repository.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { EventFacts } from '../../contract/rpc/event-facts.ts'
import { silentLog } from '../../lib/log.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
import { PipelineFileParser } from './pipeline-file-parser.ts'
import { planCommit } from './plan-commit.ts'

const env = readGitEnv()
const { signal } = new AbortController()
const FILE = `jobs:
  docs: { when: { path: docs/** }, steps: [echo] }
  code: { when: { path: src/** }, steps: [echo] }
`

/** The jobs that are run of a file with one for changes in docs and one for those in src, and the note. */
async function jobsOf(
  repository: GitRepository,
  commit: { readonly ref: string; readonly sha: string },
  facts: Partial<EventFacts>,
) {
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  await using parser = new PipelineFileParser()
  const place = { repositoryId: 'repo_1', repositoryName: 'acme/app', cloneUrl: repository.url }
  const known = { event: 'pull_request', title: '', author: '', isStranger: false, inputs: {} }
  const order = {
    commit: { ...place, ...commit },
    facts: { ...known, ...facts },
    sources: [],
  } as Parameters<typeof planCommit>[0]
  const { file, note } = await planCommit(order, { mirrors, parser, env }, signal)
  assert.ok(file.ok, JSON.stringify(file))
  const run = file.plan.jobs.filter(({ leftOut }) => leftOut === undefined)
  return { jobs: run.map(({ name }) => name), note }
}

/** A request that changes docs, of which only the ref of its forge is there, and its target, which went on. */
async function requestTo(ref: string) {
  const repository = await gitRepository({ files: { 'narwhal.yml': FILE }, serve: true })
  const sha = await repository.commitAside({ 'docs/a.md': 'new' })
  await repository.git('update-ref', ref, sha)
  const target = await repository.commit({ 'src/a.ts': 'moved on' })
  return { repository, sha, target, ref }
}

test('a request is compared with the merge base of its target, which is fetched', async () => {
  for (const ref of ['refs/pull/3/head', 'refs/merge-requests/3/head']) {
    const { repository, sha, target } = await requestTo(ref)
    await using _repository = repository
    const only = { jobs: ['docs'], note: undefined }
    // GitLab tells the branch; GitHub and Gitea its commit, too; and that may have been pushed over.
    for (const facts of [
      { targetBranch: 'main' },
      { targetBranch: 'main', base: target },
      { base: target },
      { targetBranch: 'main', base: 'ab'.repeat(20) },
    ]) {
      assert.deepEqual(await jobsOf(repository, { ref, sha }, facts), only, JSON.stringify(facts))
    }
  }
})

test('a polled request is compared with what its forge has merged it with', async () => {
  const { repository, sha, target, ref } = await requestTo('refs/pull/3/head')
  await using _repository = repository
  await repository.git('branch', 'other', 'HEAD~1')
  const merge = async (...parents: string[]) => {
    const of = parents.flatMap((parent) => ['-p', parent])
    const id = await repository.git('commit-tree', ...of, '-m', 'Merge', 'HEAD^{tree}')
    await repository.git('update-ref', 'refs/pull/3/merge', id)
  }
  await merge(target, sha)
  assert.deepEqual(await jobsOf(repository, { ref, sha }, {}), { jobs: ['docs'], note: undefined })
  // A merge of what it was before.
  await merge(target, await repository.head('HEAD~1'))
  const { jobs, note } = await jobsOf(repository, { ref, sha }, {})
  assert.deepEqual(jobs, ['docs', 'code'])
  assert.match(note ?? '', /not known what was changed: the forge has not told the target branch/)
  // Where there is one other branch only, it is the target.
  await repository.git('branch', '--delete', '--force', 'other')
  assert.deepEqual((await jobsOf(repository, { ref, sha }, {})).jobs, ['docs'])
})

test('a push is compared with a commit that only its event knows, and says so where that is gone', async () => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE }, serve: true })
  const base = await repository.commitAside({ 'src/a.ts': 'pushed over' })
  const commit = { ref: 'refs/heads/main', sha: await repository.commit({ 'docs/a.md': 'new' }) }
  const both = ['docs', 'code']
  const push = { event: 'push' } as const
  assert.deepEqual((await jobsOf(repository, commit, { ...push, base })).jobs, both)
  const same = { jobs: ['docs'], note: undefined }
  const before = await repository.head('HEAD~1')
  assert.deepEqual(await jobsOf(repository, commit, { ...push, base: before }), same)
  const gone = await jobsOf(repository, commit, { ...push, base: 'ab'.repeat(20) })
  assert.deepEqual(gone.jobs, both)
  assert.match(
    gone.note ?? '',
    /all conditions on paths hold, .*: commit (ab)+ is not in acme\/app/,
  )
  const made = await jobsOf(repository, commit, push)
  assert.deepEqual(made.jobs, both)
  assert.match(made.note ?? '', /not known what was changed: the branch is new$/)
})

test('there is nothing to note about a file without conditions on paths', async () => {
  const text = 'steps: [echo the path]\n'
  await using repository = await gitRepository({ files: { 'narwhal.yml': text }, serve: true })
  const commit = { ref: 'refs/heads/main', sha: await repository.head() }
  assert.equal((await jobsOf(repository, commit, { event: 'push' })).note, undefined)
})
