import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { agitPayload, deliverGitea } from '../support/gitea.ts'
import { finished, logText, pipelineOf, startUp } from '../support/installation.ts'

const CANARY = 'canary-strangers-51d0'
const FILE = JSON.stringify({
  jobs: { deploy: { secrets: ['DEPLOY_KEY'], steps: ['print key $DEPLOY_KEY'] } },
})

suite('who is a stranger', () => {
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: { readonly id: string; readonly secret: string }
  const forge = { id: 501, fullName: 'acme/guarded' }

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': FILE } })
    narwhal = await startUp({ maxAttempts: '1' })
    const added = await narwhal.client.addRepository({
      name: forge.fullName,
      cloneUrl: source.path,
      forge: 'gitea',
      pollIntervalMs: 0,
    })
    repository = { id: added.repository.id, secret: added.webhook?.secret ?? '' }
    await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
    await narwhal.client.setSecret('DEPLOY_KEY', { value: CANARY }, forge.fullName)
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  /** A commit on no branch and no tag. */
  async function foreignCommit(ref: string): Promise<string> {
    const sha = await source.commitAside({ 'narwhal.yml': FILE, stamp: ref })
    await source.git('update-ref', ref, sha)
    return sha
  }

  async function start(ref: string): Promise<PipelineWithJobs> {
    const { id } = await narwhal.client.startPipeline({ repository: forge.fullName, ref })
    return await finished(narwhal, id)
  }

  function assertBarred({ pipeline, jobs }: PipelineWithJobs, what: string): void {
    const [deploy] = jobs
    assert.equal(deploy?.outcome, 'error', what)
    assert.match(deploy.reason ?? '', /is a stranger's/, what)
    assert.deepEqual(deploy.attempts, [], what)
    assert.equal(pipeline.approval?.status, 'needed', what)
  }

  test('SEC-02: a pull request pushed to refs/for/main, whose head the forge calls our own, gets no secret', async () => {
    const base = await source.head()
    const sha = await foreignCommit('refs/pull/3/head')
    const payload = agitPayload(forge, { number: 3, sha, base })
    const { secret } = repository
    const told = await deliverGitea(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    assert.equal(told.status, 202)
    const { id } = await pipelineOf(narwhal, told.body.eventId)
    assertBarred(await finished(narwhal, id), 'AGit')
  })

  test('SEC-06: a manual start of a ref that is no branch or tag gets no secret, whatever its name', async () => {
    const refs = [
      'refs/pull/5/head',
      'refs/merge-requests/5/head',
      'refs/pull-requests/7/from',
      'refs/changes/01/1/1',
      'refs/original/refs/heads/main',
    ]
    for (const ref of refs) {
      await foreignCommit(ref)
      assertBarred(await start(ref), ref)
    }
  })

  test('SEC-06b: a manual start of a commit on no branch or tag gets no secret', async () => {
    const sha = await foreignCommit('refs/pull/6/head')
    assertBarred(await start(sha), 'a bare commit')
  })

  test('SEC-06c: nor does one on top of a branch, or one that was removed from a branch', async () => {
    const foreign = await foreignCommit('refs/pull/8/head')
    await source.git('update-ref', 'refs/merge-requests/8/merge', foreign)
    assertBarred(await start(foreign), 'upon a branch')
    const taken = await source.commit({ stamp: 'taken back' })
    await source.git('reset', '--quiet', '--hard', 'HEAD~1')
    await source.git('update-ref', 'refs/keep/1', taken)
    assertBarred(await start(taken), 'taken back')
    // An annotated tag that no tag of ours is at, of a stranger's commit.
    await source.git('tag', '--annotate', '--message', 'x', 'foreign', foreign)
    const object = await source.git('rev-parse', 'foreign')
    await source.git('update-ref', 'refs/pull/9/head', object)
    await source.git('tag', '--delete', 'foreign')
    assertBarred(await start(object), 'the tag of a stranger')
  })

  test('STR-12: an older commit of a branch or a tag, started by its id, is our own', async () => {
    const older = await source.head()
    await source.commit({ stamp: 'newer' })
    const { pipeline, jobs } = await start(older)
    assert.deepEqual([pipeline.event.sha, pipeline.event.stranger], [older, undefined])
    assert.equal(jobs[0]?.outcome, 'success', jobs[0]?.reason)
  })

  test('STR-01: branches and tags, by name or by the commit that they are at, are our own', async () => {
    await source.tag('v1')
    const wanted = ['main', 'v1', 'refs/heads/main', 'refs/tags/v1', await source.head()]
    for (const ref of wanted) {
      const { jobs } = await start(ref)
      const [deploy] = jobs
      assert.equal(deploy?.outcome, 'success', `${ref}: ${deploy?.reason}`)
      assert.equal(await logText(narwhal, deploy), 'key ***')
    }
  })
})
