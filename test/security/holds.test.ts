import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Retention } from '../../src/dispatcher/retention/retention.ts'
import { silentLog } from '../../src/lib/log.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, startUp } from '../support/installation.ts'
import { LiveTestClient } from '../support/live-client.ts'
import { Stage } from '../support/stage.ts'
import { bearer } from '../support/tokens.ts'

const DAY = 86_400_000

/** Everything that has ended is older than the rules allow, a year from now. */
async function openRetention(stage: Stage) {
  const retention = new Retention({
    store: stage.store,
    log: silentLog(),
    rules: { logs: 10 * DAY, pipelines: 20 * DAY },
    now: () => Date.now() + 365 * DAY,
  })
  return retention
}

async function failedPipeline(stage: Stage, repositoryId: `repo_${string}`) {
  const created = await stage.addPipeline(repositoryId)
  const steps = [{ name: 'test', command: 'npm test', dependencies: [], env: {} }]
  const { pipeline, jobs } = await stage.plan(created, [{ name: 'build', steps }])
  const [job] = jobs
  assert.ok(job)
  const running = await stage.start(job)
  await stage.print(running, 0, ['evidence'])
  await stage.finish(running, 'failure')
  await stage.end(pipeline, 'failure')
  return { id: pipeline.id, jobId: job.id }
}

test('BND-40: a held pipeline stays with its logs, despite all rules, until its date; nothing else does', async () => {
  await using stage = await Stage.open()
  const { store } = stage
  const repository = await stage.addRepository()
  const held = await failedPipeline(stage, repository.id)
  const over = await failedPipeline(stage, repository.id)
  const other = await failedPipeline(stage, repository.id)
  const hold = { because: 'case 4711', at: Date.now() }
  await store.transact(async (write) => {
    await write.retention.setHold(held.id, { ...hold, until: Date.now() + 400 * DAY })
    await write.retention.setHold(over.id, { ...hold, until: Date.now() + 300 * DAY })
  })
  await using retention = await openRetention(stage)
  await retention.round()
  for (const { id } of [other, over]) assert.equal(await store.pipelines.findView(id), undefined)
  assert.equal((await store.pipelines.findView(held.id))?.hold?.because, 'case 4711')
  const lines = await store.logs.read({ jobId: held.jobId, attempt: 1 }, 0, 10)
  assert.deepEqual(
    lines.map(({ text }) => text),
    ['evidence'],
  )
  // Its repository is removed: what is held stays all the same, until it is released.
  await store.transact((write) => write.repositories.remove(repository.id))
  await retention.round()
  assert.ok(await store.pipelines.findView(held.id))
  await store.transact((write) => write.retention.setHold(held.id, undefined))
  await retention.round()
  assert.equal(await store.pipelines.findView(held.id), undefined)
})

test('BND-41: only an administrator holds a pipeline, and the audit log has who and why', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  await client.addUser({ name: 'mem', role: 'member' })
  const { token } = await client.createToken({ name: 'mem', user: 'mem' })
  const ask = async (shown: string, method: string, body?: object): Promise<number> => {
    const json = body ? { 'content-type': 'application/json' } : {}
    const answer = await fetch(`${url}/api/v1/pipelines/pipeline_1/hold`, {
      method,
      headers: { ...bearer(shown), ...json },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return answer.status
  }
  const hold = { until: Date.now() + DAY, because: 'case' }
  assert.equal(await ask(token, 'PUT', hold), 403)
  assert.equal(await ask(token, 'DELETE'), 403)
  assert.equal(await ask(narwhal.token, 'PUT', { ...hold, until: 1 }), 400)
  assert.equal(await ask(narwhal.token, 'PUT', { until: hold.until }), 400)
  assert.equal(await ask(narwhal.token, 'PUT', hold), 404)
})

test('BND-42: viewers of a running pipeline see its hold at once, and after each later change', async () => {
  await using narwhal = await startUp()
  const { client, url, token } = narwhal
  const command = { name: 'one', command: 'sleep 60000' }
  const files = { 'narwhal.yml': JSON.stringify({ jobs: { slow: { steps: [command] } } }) }
  await using repository = await gitRepository({ files })
  await client.addRepository({ name: 'ada/app', cloneUrl: repository.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/app' })
  await eventually(async () => (await client.getPipeline(id)).pipeline.status === 'running')
  await using live = await LiveTestClient.connect(url, bearer(token))
  live.ask({ type: 'subscribe', id: 'page', topic: { kind: 'pipeline', pipelineId: id } })
  await eventually(() => live.has('page', 'subscribed'))
  const told = () =>
    live.changes('page').flatMap((one) => (one.type === 'pipeline.changed' ? [one.pipeline] : []))
  const hold = { until: Date.now() + DAY, because: 'case 4711' }
  const params = { pipeline: id }
  await client.call('holdPipeline', { params, body: hold })
  await eventually(() => told().at(-1)?.hold?.because === 'case 4711')
  const before = told().length
  await client.cancelPipeline(id)
  await finished(narwhal, id)
  await eventually(() => told().at(-1)?.status === 'finished')
  const later = told().slice(before)
  assert.ok(later.length > 0)
  for (const view of later) assert.equal(view.hold?.because, 'case 4711')
  await client.call('releasePipeline', { params })
  await eventually(() => told().at(-1)?.hold === undefined)
})
