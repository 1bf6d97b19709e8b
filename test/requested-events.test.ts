import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from './support/github.ts'
import { finished, logText, pipelineOf, register, startUp } from './support/installation.ts'
import { statusForge } from './support/status-forge.ts'

const job = { steps: ['print ok'] }
const show = { steps: ['print $NARWHAL_EVENT $NARWHAL_ACTION [$NARWHAL_LABELS] $NARWHAL_MERGED'] }
const file = (jobs: object, more: object = {}): string => JSON.stringify({ ...more, jobs })

/** A Narwhal whose repository is linked to a forge, and pull requests of it. */
async function open() {
  await using stack = new AsyncDisposableStack()
  const forge = stack.use(await statusForge())
  const source = stack.use(await gitRepository({ files: { 'narwhal.yml': file({ job }) } }))
  const narwhal = stack.use(await startUp())
  const repository = await register(narwhal, source.path)
  await narwhal.client.linkForge(repository.id, {
    forge: 'github',
    apiUrl: forge.url,
    project: repository.forge.fullName,
    token: 'a-token-of-the-forge',
  })
  let number = 0
  const tell = async (event: string, payload: object, id?: string) => {
    const { secret } = repository
    return await deliver(narwhal.agentUrl, { event, payload, secret, ...(id ? { id } : {}) })
  }
  /** The payload of a pull request with this narwhal.yml, whose first webhook is this one. */
  const pull = async (
    text: string,
    action: string,
    more: object = {},
    headRepositoryId?: number,
  ) => {
    const commit = await pullCommit(source, ++number, { stamp: `${number}`, 'narwhal.yml': text })
    const { forge: own } = repository
    const head = { ...commit, headRepositoryId: headRepositoryId ?? own.id }
    const payload = pullRequestPayload(own, head)
    const updated_at = '2026-01-02T03:04:05Z'
    const labels = [{ name: 'e2e' }]
    const pull_request = { ...payload.pull_request, updated_at, labels, ...more }
    return { sha: commit.sha, payload: { ...payload, action, label: labels[0], pull_request } }
  }
  const contextsAt = (sha: string) => [
    ...new Set(
      forge.taken.filter(({ path }) => path.endsWith(sha)).map(({ body }) => body['context']),
    ),
  ]
  const resources = stack.move()
  return {
    forge,
    source,
    narwhal,
    repository,
    tell,
    pull,
    contextsAt,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

test('what nothing in narwhal.yml names leaves no trace but in its delivery', async () => {
  await using world = await open()
  const { narwhal, tell, pull, forge } = world
  const text = file({ job, other: { ...job, when: { event: 'pull_request', label: 'e2e' } } })
  for (const action of ['labeled', 'edited', 'closed', 'ready_for_review', 'converted_to_draft']) {
    const { payload } = await pull(text, action)
    const told = { ...payload, changes: { title: { from: 'x' } } }
    const { body } = await tell('pull_request', told, `first-${action}`)
    assert.equal(body.status, 'accepted', action)
    await eventually(async () => {
      const again = await tell('pull_request', told, `first-${action}`)
      return again.body.status === 'ignored' ? again : null
    })
    const again = await tell('pull_request', told, `first-${action}`)
    assert.match(again.body.reason ?? '', /nothing in narwhal\.yml runs for it/)
  }
  assert.deepEqual(await narwhal.client.listPipelines({}), [])
  assert.deepEqual(forge.taken, [])
  // Not even a number, and nothing of it tells of the commit.
  const { payload } = await pull(text, 'opened')
  const { body: labeled } = await tell('pull_request', { ...payload, action: 'labeled' })
  assert.equal(labeled.status, 'accepted')
  const { body } = await tell('pull_request', payload)
  assert.equal(body.status, 'accepted')
  assert.equal((await pipelineOf(narwhal, body.eventId)).number, 1)
})

test('what happens twice to a commit that was built is built twice, and a redelivery is not', async () => {
  await using world = await open()
  const { narwhal, tell, pull } = world
  const when = { event: 'pull_request', action: ['opened', 'labeled', 'unlabeled'] }
  const { payload } = await pull(file({ job }, { when }), 'opened')
  const at = (updated_at: string) => ({ pull_request: { ...payload.pull_request, updated_at } })
  const told = [
    payload,
    { ...payload, action: 'labeled' },
    { ...payload, action: 'unlabeled' },
    { ...payload, action: 'labeled', ...at('2026-01-02T03:04:06Z') },
  ]
  const ids = new Set<string | undefined>()
  for (const one of told) {
    const { body } = await tell('pull_request', one)
    assert.equal(body.status, 'accepted')
    ids.add((await pipelineOf(narwhal, body.eventId)).id)
  }
  for (const one of told) {
    const { body } = await tell('pull_request', one)
    assert.equal(body.status, 'known')
  }
  assert.equal(ids.size, 4)
  assert.equal((await narwhal.client.listPipelines({})).length, 4)
})

test('a job that names an action runs alone, with a status of its own', async () => {
  await using world = await open()
  const { narwhal, tell, pull, contextsAt } = world
  const text = file({ job, e2e: { ...show, when: { action: 'labeled', label: 'e2e' } } })
  const { payload, sha } = await pull(text, 'labeled')
  const { body } = await tell('pull_request', payload)
  const { pipeline, jobs } = await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  assert.deepEqual(
    jobs.map(({ name, outcome }) => [name, outcome]),
    [
      ['job', 'skipped'],
      ['e2e', 'success'],
    ],
  )
  assert.partialDeepStrictEqual(pipeline.event, { actions: ['labeled'], part: 'labeled' })
  const [, ran] = jobs
  assert.ok(ran)
  const printed = await logText(narwhal, { id: ran.id, attempt: 1 })
  assert.equal(printed, 'pull_request labeled [e2e] false')
  await eventually(() => (contextsAt(sha).length > 0 ? true : null))
  assert.deepEqual(contextsAt(sha), ['narwhal/pull-request/labeled'])
})

test('a file that names an action is built as a whole, with the status of pull requests', async () => {
  await using world = await open()
  const { narwhal, tell, pull, contextsAt } = world
  const when = { event: 'pull_request', action: ['opened', 'ready_for_review', 'closed'] }
  const text = file({ show }, { when })
  for (const [action, printed] of [
    ['ready_for_review', 'pull_request ready_for_review [e2e] false'],
    ['closed', 'pull_request closed [e2e] true'],
  ] as const) {
    const { payload, sha } = await pull(text, action, action === 'closed' ? { merged: true } : {})
    const { body } = await tell('pull_request', payload)
    const { jobs } = await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
    const [ran] = jobs
    assert.ok(ran)
    assert.equal(await logText(narwhal, { id: ran.id, attempt: 1 }), printed)
    await eventually(() => (contextsAt(sha).length > 0 ? true : null))
    assert.deepEqual(contextsAt(sha), ['narwhal/pull-request'])
  }
})

test("a label that a maintainer adds doesn't make a stranger's commit ours", async () => {
  await using world = await open()
  const { narwhal, tell, pull } = world
  const text = file({ e2e: { ...job, when: { action: 'labeled' } } })
  const { payload } = await pull(text, 'labeled', {}, 999)
  const sender = { id: 7, login: 'ada', type: 'User' }
  const { body } = await tell('pull_request', { ...payload, sender })
  const { id } = await pipelineOf(narwhal, body.eventId)
  const { pipeline } = await eventually(async () => {
    const found = await narwhal.client.getPipeline(id)
    return found.pipeline.approval?.status === 'needed' ? found : null
  })
  assert.equal(pipeline.event.stranger, 'other_repository')
  assert.equal(pipeline.status, 'running')
})

test('a release that is named is built at its tag, with a status of its own', async () => {
  await using world = await open()
  const { narwhal, source, repository, tell, contextsAt } = world
  const text = file({ show: { ...show, when: { event: 'release', tag: 'v*' } } })
  const sha = await source.commitAside({ 'narwhal.yml': text })
  await source.git('update-ref', 'refs/tags/v1', sha)
  const { id, fullName: full_name } = repository.forge
  await tell('release', {
    action: 'published',
    repository: { id, full_name },
    sender: { id: 7, login: 'ada' },
    release: { id: 17, tag_name: 'v1', name: 'Whale 1', published_at: '2026-01-02T03:04:05Z' },
  })
  const { id: pipelineId } = await eventually(async () => {
    const all = await narwhal.client.listPipelines({})
    return all.find(({ event }) => event.kind === 'release') ?? null
  })
  const { pipeline, jobs } = await finished(narwhal, pipelineId)
  assert.partialDeepStrictEqual(pipeline.event, { sha, title: 'Whale 1', ref: 'refs/tags/v1' })
  const [ran] = jobs
  assert.ok(ran)
  const printed = await logText(narwhal, { id: ran.id, attempt: 1 })
  assert.equal(printed, 'release published [] ')
  await eventually(() => contextsAt(sha).includes('narwhal/release') || null)
})

test('a merge group that is named is built at its head, and told there', async () => {
  await using world = await open()
  const { narwhal, source, repository, tell, contextsAt } = world
  const base_sha = await source.head()
  const text = file({ show: { ...show, when: { event: 'merge_group', branch: 'main' } } })
  const head_sha = await source.commitAside({ 'narwhal.yml': text })
  const head_ref = 'refs/heads/gh-readonly-queue/main/pr-1-a'
  await source.git('update-ref', head_ref, head_sha)
  const { id, fullName: full_name } = repository.forge
  const { body } = await tell('merge_group', {
    action: 'checks_requested',
    repository: { id, full_name },
    sender: { id: 7, login: 'ada' },
    merge_group: { head_ref, head_sha, base_ref: 'refs/heads/main', base_sha },
  })
  const { pipeline, jobs } = await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  assert.equal(pipeline.outcome, 'success')
  const [ran] = jobs
  assert.ok(ran)
  const printed = await logText(narwhal, { id: ran.id, attempt: 1 })
  assert.equal(printed, 'merge_group checks_requested [] ')
  await eventually(() => (contextsAt(head_sha).length > 0 ? true : null))
  assert.deepEqual(contextsAt(head_sha), ['narwhal/pull-request'])
})
