import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { pino } from 'pino'
import { viewRepository } from '../../src/api/reads/repository-view.ts'
import { readGitEnv } from '../../src/config/env.ts'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { Dispatcher } from '../../src/dispatcher/dispatcher.ts'
import { Vault } from '../../src/vault/vault.ts'
import { eventually } from '../support/eventually.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import {
  finished,
  logText,
  pipelineOf,
  type Registered,
  register,
  startUp,
} from '../support/installation.ts'
import { Stage } from '../support/stage.ts'
import { bearer } from '../support/tokens.ts'

const CANARY = 'canary-approvals-77aa'
const FILE = JSON.stringify({
  jobs: {
    first: { steps: ['print ran'] },
    deploy: { needs: ['first'], secrets: ['DEPLOY_KEY'], steps: ['print key $DEPLOY_KEY'] },
  },
})

suite('approval to run', () => {
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: Registered

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': FILE } })
    narwhal = await startUp({ maxAttempts: '1' })
    repository = await register(narwhal, source.path, { name: 'ada/guarded' })
    await narwhal.client.setSecret('DEPLOY_KEY', { value: CANARY }, 'ada/guarded')
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  async function tell(number: number, over: object = {}): Promise<PipelineView> {
    const files = { 'narwhal.yml': FILE, stamp: `${number} ${Math.random()}` }
    const commit = await pullCommit(source, number, files)
    const told = pullRequestPayload(repository.forge, { ...commit, headRepositoryId: 999 })
    const payload = { ...told, ...over }
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await pipelineOf(narwhal, body.eventId)
  }

  /** It is planned, and nothing of it runs. */
  async function held({ id }: PipelineView): Promise<PipelineView> {
    const found = await eventually(async () => {
      const one = await narwhal.client.getPipeline(id)
      return one.jobs.length > 0 ? one : null
    })
    assert.deepEqual(
      found.jobs.map(({ status, attempts }) => [status, attempts.length]),
      [
        ['blocked', 0],
        ['blocked', 0],
      ],
    )
    const { pipeline } = found
    assert.partialDeepStrictEqual(pipeline, {
      status: 'running',
      approval: { status: 'needed', for: 'run' },
      event: { stranger: 'other_repository' },
    })
    return pipeline
  }

  async function close(number: number, { userId = 8, merged = false } = {}): Promise<void> {
    const user = { id: userId, login: 'somebody' }
    const base = { ref: 'main', sha: 'b'.repeat(40), repo: { id: repository.forge.id } }
    const { id, fullName: full_name } = repository.forge
    const payload = {
      action: 'closed',
      number,
      repository: { id, full_name },
      sender: { id: 1, login: 'ada' },
      pull_request: { number, title: 'x', user, merged, base },
    }
    const { secret } = repository
    const told = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    assert.deepEqual([told.status, told.body.status], [200, 'ignored'])
  }

  const approve = (one: PipelineView, sha = one.event.sha, plan?: string) =>
    narwhal.client.approvePipeline(one.id, { sha, ...(plan === undefined ? {} : { plan }) })

  test('STR-03: nothing of a newcomer’s commit runs before a member has approved it', async () => {
    const one = await held(await tell(1))
    const { jobs } = await narwhal.client.listQueue()
    assert.deepEqual(jobs, [])
    assert.ok(one.approval?.status === 'needed' && one.approval.plan && one.approval.since)
    await approve(one, one.event.sha, one.approval.plan)
    const done = await finished(narwhal, one.id)
    assert.equal(done.pipeline.outcome, 'success')
    // The secrets come with the same approval.
    assert.equal(await logText(narwhal, done.jobs[1] as never), 'key ***')
    await assert.rejects(approve(one), {
      code: 'conflict',
      message: /the pipeline is already approved/,
    })
  })

  test('STR-04: an approval is for one commit: the author’s next pull request waits, and so does a later push', async () => {
    // Pull request 1 of the same author was approved, and has run.
    await held(await tell(2))
    await held(await tell(1))
  })

  test('STR-05: an approval names the reviewed commit and plan, and is rejected for others', async () => {
    const one = await held(await tell(3))
    const other = 'c'.repeat(40)
    await assert.rejects(approve(one, other), (error: Error & { code: string }) => {
      assert.equal(error.code, 'conflict')
      assert.ok(error.message.includes(other) && error.message.includes(one.event.sha))
      return true
    })
    await assert.rejects(approve(one, one.event.sha, 'd'.repeat(64)), {
      code: 'conflict',
      message: /its plan is [0-9a-f]{64}, but d{64} was reviewed/,
    })
    await held(one)
  })

  test('STR-06: a new push to a pull request removes the older commit from the list', async () => {
    const older = await held(await tell(4))
    const newer = await held(await tell(4))
    const { pipeline } = await finished(narwhal, older.id)
    assert.equal(pipeline.reason, `superseded by pipeline #${newer.number}`)
    await assert.rejects(approve(older), { code: 'conflict', message: /it was cancelled/ })
    const waiting = (await narwhal.client.listAwaiting()).map(({ id }) => id)
    assert.ok(waiting.includes(newer.id) && !waiting.includes(older.id))
  })

  test('STR-13: a pull request that was closed, merged or not, leaves the list with that as the reason', async () => {
    const one = await held(await tell(21))
    const merged = await held(await tell(22))
    const other = await held(await tell(23))
    await close(21)
    await close(22, { userId: 4243, merged: true })
    for (const { id } of [one, merged]) {
      const { pipeline } = await finished(narwhal, id)
      assert.equal(pipeline.reason, 'its pull request was closed')
    }
    const waiting = (await narwhal.client.listAwaiting()).map(({ id }) => id)
    assert.ok(waiting.includes(other.id))
    assert.ok(!waiting.includes(one.id) && !waiting.includes(merged.id))
    // It can be rerun all the same, and that waits.
    const again = await narwhal.client.rerunPipeline(one.id)
    await held(again)
  })

  test('STR-07: everything that waits is in one list, and is approved by one request, individually', async () => {
    const mine = [await held(await tell(5)), await held(await tell(6))]
    const listed = await narwhal.client.listAwaiting()
    const waiting = mine.map(({ id }) => listed.find((one) => one.id === id))
    assert.ok(waiting.every((one) => one !== undefined))
    const approvals = waiting.map((one, i) => ({
      pipeline: one?.id,
      sha: i === 0 ? one?.event.sha : 'c'.repeat(40),
    }))
    const answer = await fetch(`${narwhal.url}/api/v1/approvals`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(narwhal.token) },
      body: JSON.stringify({ approvals }),
    })
    assert.equal(answer.status, 200)
    const told = (await answer.json()) as { approvals: { approved: boolean; message?: string }[] }
    assert.deepEqual(
      told.approvals.map(({ approved }) => approved),
      [true, false],
    )
    assert.match(told.approvals[1]?.message ?? '', /review it again/)
    assert.equal((await finished(narwhal, mine[0]?.id as never)).pipeline.outcome, 'success')
    await held(mine[1] as PipelineView)
  })

  test('STR-08: after an author’s first merged pull request, the next one runs, without secrets until approved', async () => {
    await close(7, { userId: 4242, merged: true })
    // Somebody else's was merged, which says nothing about this author.
    await held(await tell(7))
    await close(8, { merged: true })
    const { pipeline, jobs } = await finished(narwhal, (await tell(8)).id)
    assert.deepEqual(
      jobs.map(({ outcome }) => outcome),
      ['success', 'error'],
    )
    assert.equal(pipeline.approval?.status, 'needed')
    assert.match(jobs[1]?.reason ?? '', /is a stranger's/)
    // Somebody without merged commits has pushed to it.
    await held(await tell(9, { sender: { id: 31337, login: 'eve' } }))
  })

  test('STR-09: a repository can require approval for all strangers, including known authors', async () => {
    await narwhal.client.changeRepository(repository.id, { approval: 'all-strangers' })
    await held(await tell(10))
    await narwhal.client.changeRepository(repository.id, { approval: 'first-time-contributors' })
  })

  test('STR-10: the branch of a program that the repository lists as a stranger gets no secret', async () => {
    await narwhal.client.changeRepository(repository.id, { strangerAccounts: [49] })
    const sha = await source.commit({ 'narwhal.yml': FILE, stamp: 'bump' })
    const { id, fullName: full_name } = repository.forge
    const payload = {
      ref: 'refs/heads/bump',
      before: '0'.repeat(40),
      after: sha,
      repository: { id, full_name },
      pusher: { name: 'bot' },
      sender: { id: 49, login: 'bot' },
      head_commit: { id: sha, message: 'Bump', author: { name: 'bot' } },
    }
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'push', payload, secret })
    const bump = await pipelineOf(narwhal, body.eventId)
    const waiting = await eventually(async () => {
      const { pipeline } = await narwhal.client.getPipeline(bump.id)
      return pipeline.approval ? pipeline : null
    })
    assert.equal(waiting.event.stranger, 'listed_account')
    assert.partialDeepStrictEqual(waiting.approval, { status: 'needed', for: 'run' })
    await narwhal.client.changeRepository(repository.id, { strangerAccounts: [] })
  })
})

test('STR-11: repositories registered before the setting existed are reported in the log and on their page', async () => {
  await using stage = await Stage.open()
  const repository = await stage.addRepository('ada/old')
  assert.partialDeepStrictEqual(viewRepository(repository), {
    approval: 'first-time-contributors',
    isApprovalUnchosen: true,
  })
  const said: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) })
  const { store, broker } = stage
  const vault = await Vault.openInMemory(store)
  const options = { heuristic: 'least-loaded', jobTimeoutMs: 0, maxAttempts: 1 } as const
  const start = () => Dispatcher.start({ store, broker, vault, gitEnv: readGitEnv(), log }, options)
  {
    await using _dispatcher = await start()
    await eventually(() => said.some((line) => line.includes('ada/old')))
  }
  await stage.write((write) =>
    write.repositories.setStrangerRules(repository.id, { approval: 'nobody' }),
  )
  said.length = 0
  await using _dispatcher = await start()
  await stage.store.repositories.list()
  assert.ok(!said.some((line) => line.includes('ada/old')))
})
