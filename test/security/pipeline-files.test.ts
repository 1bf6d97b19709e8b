import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { type Files, type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import {
  finished,
  pipelineOf,
  type Registered,
  register,
  settled,
  startUp,
} from '../support/installation.ts'
import { bearer } from '../support/tokens.ts'

const FILE = JSON.stringify({ include: ['ci/lint.yml'], jobs: { test: { steps: ['print ran'] } } })
const LINT = JSON.stringify({ jobs: { lint: { steps: ['print linted'] } } })
const AUTHOR = 8

suite('changes of what is run', () => {
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: Registered
  let number = 0

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': FILE, 'ci/lint.yml': LINT } })
    narwhal = await startUp({ maxAttempts: '1' })
    repository = await register(narwhal, source.path, { name: 'ada/files' })
    await tellOfMerge()
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  async function tellOfMerge(): Promise<void> {
    const { id, fullName: full_name } = repository.forge
    const user = { id: AUTHOR, login: 'somebody' }
    const base = { ref: 'main', sha: 'b'.repeat(40), repo: { id } }
    const payload = {
      action: 'closed',
      number: 999,
      repository: { id, full_name },
      sender: { id: 1, login: 'ada' },
      pull_request: { number: 999, title: 'x', user, merged: true, base },
    }
    const { secret } = repository
    await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
  }

  /** A pull request with these files, of an author with a merged commit. */
  async function pull(
    files: Files,
    onto: { readonly base?: string; readonly target?: string } = {},
  ): Promise<PipelineView> {
    const commit = await pullCommit(source, ++number, files)
    const of = { ...commit, ...onto, headRepositoryId: 999 }
    const payload = pullRequestPayload(repository.forge, of)
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await settled(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }

  test('STR-20: known authors need not wait, unless the commit changes what is run', async () => {
    const code = await pull({ 'src/a.ts': '1' })
    assert.equal(code.outcome, 'success')
    assert.deepEqual(code.changed, { pipeline: [], others: ['src/a.ts'], total: 1 })
    const changed = FILE.replace('print ran', 'print mine')
    for (const [files, shown] of [
      [{ 'narwhal.yml': changed }, 'narwhal.yml'],
      [{ 'ci/lint.yml': LINT.replace('linted', 'mine') }, 'ci/lint.yml'],
    ] as const) {
      const one = await pull({ ...files, 'README.md': String(number) })
      assert.partialDeepStrictEqual(one.approval, {
        status: 'needed',
        for: 'run',
        because: 'pipeline_files',
      })
      assert.deepEqual(one.changed, { pipeline: [shown], others: ['README.md'], total: 2 })
      const { jobs } = await narwhal.client.getPipeline(one.id)
      assert.ok(jobs.every(({ attempts }) => attempts.length === 0))
      await narwhal.client.approvePipeline(one.id, { sha: one.event.sha })
      assert.equal((await finished(narwhal, one.id)).pipeline.outcome, 'success')
    }
  })

  test('STR-21: a commit with unknown changes waits as if it changed what is run', async () => {
    const base = 'e'.repeat(40)
    const one = await pull({ 'src/b.ts': '1' }, { base, target: 'gone' })
    assert.partialDeepStrictEqual(one.approval, { because: 'files_unknown' })
    assert.equal(one.changed, undefined)
    // If the base was pushed over, the target branch is compared with as it is now.
    const known = await pull({ 'src/c.ts': '1' }, { base })
    assert.deepEqual(known.changed, { pipeline: [], others: ['src/c.ts'], total: 1 })
  })

  test('STR-22: a repository can let known authors change what is run', async () => {
    await narwhal.client.changeRepository(repository.id, { pipelineFiles: 'run' })
    const one = await pull({ 'narwhal.yml': FILE.replace('print ran', 'print more') })
    assert.equal(one.outcome, 'success')
    const listed = await narwhal.client.listRepositories()
    assert.equal(listed.find(({ id }) => id === repository.id)?.pipelineFiles, 'run')
    const answer = await fetch(`${narwhal.url}/api/v1/audit?action=repository.changed`, {
      headers: bearer(narwhal.token),
    })
    assert.match(await answer.text(), /pipeline files run/)
    await narwhal.client.changeRepository(repository.id, { pipelineFiles: 'wait' })
  })

  test('STR-23: fifty waiting pipelines are approved by one request, and all run', async () => {
    await narwhal.client.changeRepository(repository.id, { approval: 'all-strangers' })
    const waiting: PipelineView[] = []
    for (let i = 0; i < 50; i++) waiting.push(await pull({ stamp: `${number}` }))
    const listed = (await narwhal.client.listAwaiting()).map(({ id }) => id)
    assert.ok(waiting.every(({ id }) => listed.includes(id)))
    const approvals = waiting.map(({ id, event, approval }) => ({
      pipeline: id,
      sha: event.sha,
      ...(approval?.plan === undefined ? {} : { plan: approval.plan }),
    }))
    const answer = await fetch(`${narwhal.url}/api/v1/approvals`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(narwhal.token) },
      body: JSON.stringify({ approvals }),
    })
    const told = (await answer.json()) as { approvals: { approved: boolean }[] }
    assert.equal(told.approvals.filter(({ approved }) => approved).length, 50)
    for (const { id } of waiting) {
      assert.equal((await finished(narwhal, id)).pipeline.outcome, 'success')
    }
    const left = (await narwhal.client.listAwaiting()).map(({ id }) => id)
    assert.ok(waiting.every(({ id }) => !left.includes(id)))
  })
})
