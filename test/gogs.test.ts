import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { present } from '../src/lib/present.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliverGogs, type GogsCase, gogsDelivery } from './support/gogs/gogs.ts'
import { type Installation, pipelineOf, startUp } from './support/installation.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

async function registerGogs(
  { client, agentUrl }: Installation,
  cloneUrl: string,
  more: { credentials?: { username: string; password: string } } = {},
) {
  const { repository, webhook } = await client.addRepository({
    ...more,
    name: 'acme/app',
    cloneUrl,
    forge: 'gogs',
    pollIntervalMs: 0,
  })
  const url = `${agentUrl}${webhook?.path}`
  const secret = webhook?.secret ?? ''
  const tell = async (
    name: GogsCase,
    over: object = {},
    more: { id?: string; event?: string } = {},
  ) => {
    const { headers, payload } = gogsDelivery(name)
    const { event = headers['x-gogs-event'] ?? '', id } = more
    const named = { ...headers, 'x-gogs-event': event, 'x-github-event': event }
    const delivery = { headers: named, payload: { ...payload, ...over } }
    return await deliverGogs(url, delivery, { secret, ...present({ id }) })
  }
  return { id: repository.id, url, secret, tell }
}

/** The events of the pipelines, oldest first, once there are as many. */
async function events({ client }: Installation, count: number) {
  const found = await eventually(
    async () => {
      const pipelines = await client.listPipelines({ limit: 100 })
      return pipelines.length >= count ? pipelines : null
    },
    { message: `${count} pipelines`, timeoutMs: 30_000 },
  )
  assert.equal(found.length, count)
  return found.toReversed().map(({ event }) => event)
}

test('a push of Gogs is built, and a redelivery is known', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE })
  const { url, tell } = await registerGogs(narwhal, source.path)
  const after = await source.head()
  const wrong = await deliverGogs(url, gogsDelivery('push-one'), { secret: 'wrong' })
  assert.equal(wrong.status, 401)
  const id = randomUUID()
  const first = await tell('force-back', { after }, { id })
  assert.deepEqual([first.status, first.body.status], [202, 'accepted'])
  const again = await tell('force-back', { after }, { id })
  assert.deepEqual([again.status, again.body.status], [200, 'known'])
  const pipeline = await pipelineOf(narwhal, first.body.eventId)
  // The payload has only the commits that were dropped; the commit itself says whose it is.
  const event = await eventually(async () => {
    const found = await narwhal.client.getPipeline(pipeline.id)
    return found.pipeline.event.title === '' ? null : found.pipeline.event
  })
  assert.equal(event.title, await source.git('log', '-1', '--format=%s'))
  assert.equal(event.author, await source.git('log', '-1', '--format=%an'))
})

test('a tag of Gogs is built at its commit, though it is never pushed', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE, serve: true })
  const { tell } = await registerGogs(narwhal, source.url)
  const sha = await source.head()
  await source.tag('light')
  await source.tag('ann', 'the first')
  const object = await source.git('rev-parse', 'ann')
  assert.notEqual(object, sha)
  const id = randomUUID()
  const light = await tell('light-tag-create', { sha }, { id })
  assert.deepEqual([light.status, light.body.status], [202, 'resolving'])
  await tell('annotated-tag-create', { sha: object })
  const built = await events(narwhal, 2)
  const refs = built.map(({ ref }) => ref).toSorted()
  assert.deepEqual(refs, ['refs/tags/ann', 'refs/tags/light'])
  assert.ok(built.every((event) => event.sha === sha && event.kind === 'tag'))
  const again = await tell('light-tag-create', { sha }, { id })
  assert.deepEqual([again.status, again.body.status], [200, 'known'])
})

test('what is told twice is built once: a branch by its push, a tag by its release', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE, serve: true })
  const { tell } = await registerGogs(narwhal, source.url)
  const sha = await source.head()
  await source.git('branch', 'feat')
  await tell('new-branch-create')
  await tell('new-branch-push', { after: sha })
  await source.tag('v2')
  const release = { action: 'published', release: { tag_name: 'v2', draft: false } }
  const told = await tell('light-tag-create', release, { event: 'release' })
  assert.equal(told.status, 202)
  const built = await events(narwhal, 2)
  const refs = built.map(({ ref }) => ref).toSorted()
  assert.deepEqual(refs, ['refs/heads/feat', 'refs/tags/v2'])
  assert.equal((await tell('light-tag-create', { ref: 'v2', sha })).status, 202)
})

test('a pull request of Gogs is built at its head, whenever its ref is moved', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE, serve: true })
  const { tell } = await registerGogs(narwhal, source.url)
  const move = (sha: string) => source.git('update-ref', 'refs/pull/1/head', sha)
  await source.branch('pra')
  const opened = await source.commit({ a: '1' })
  const first = await tell('pr-opened')
  assert.deepEqual([first.status, first.body.status], [202, 'resolving'])
  await move(opened)
  const [one] = await events(narwhal, 1)
  assert.deepEqual([one?.sha, one?.kind, one?.title], [opened, 'pull_request', 'PR one'])
  assert.equal(one?.stranger, undefined)

  const pushed = await source.commit({ a: '2' })
  await tell('pr-synchronized')
  await move(pushed)
  const [, two] = await events(narwhal, 2)
  assert.equal(two?.sha, pushed)

  // Closed, pushed to, and opened again: its ref is left where it was.
  const reopened = await source.commit({ a: '3' })
  await tell('pr-reopened')
  const [, , three] = await events(narwhal, 3)
  assert.deepEqual([three?.ref, three?.sha], ['refs/pull/1/head', reopened])
  const { pipeline } = await eventually(async () => {
    const pipelines = await narwhal.client.listPipelines({ limit: 1 })
    const found = await narwhal.client.getPipeline(pipelines[0]?.id ?? 'pipeline_')
    return found.pipeline.status === 'finished' ? found : null
  })
  assert.deepEqual([pipeline.outcome, pipeline.event.sha], ['success', reopened])
})

test('a fork’s pull request of Gogs is built at its ref, as a stranger’s', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE, serve: true })
  const { tell } = await registerGogs(narwhal, source.url)
  const sha = await source.commitAside({ a: '1' })
  await tell('fork-pr-opened')
  await source.git('update-ref', 'refs/pull/2/head', sha)
  const [event] = await events(narwhal, 1)
  assert.deepEqual([event?.ref, event?.sha], ['refs/pull/2/head', sha])
  assert.equal(event?.stranger, 'other_repository')
})

test('the commits of a private repository are looked up with its credentials', async () => {
  await using narwhal = await startUp()
  const password = 'correct horse'
  await using source = await gitRepository({ files: FILE, serve: true, password })
  const credentials = { username: 'ada', password }
  const { tell } = await registerGogs(narwhal, source.url, { credentials })
  const sha = await source.head()
  await source.tag('light')
  await tell('light-tag-create', { sha })
  const [event] = await events(narwhal, 1)
  assert.deepEqual([event?.ref, event?.sha], ['refs/tags/light', sha])
})
