import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import type { StatusForge } from '#root/test/support/status-forge.ts'
import {
  addPipeline,
  note,
  openStatusWorld,
  states,
  TOKEN,
} from '#root/test/support/status-world.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'

test('reports each state of a pipeline as its forge expects it, with a link to the pipeline', async () => {
  const sha = 'a'.repeat(40)
  const forges = {
    github: {
      path: `/repos/acme/app/statuses/${sha}`,
      states: ['pending', 'pending', 'failure'],
      names: ['context', 'target_url'],
      token: ['authorization', `Bearer ${TOKEN}`],
    },
    gitea: {
      path: `/repos/acme/app/statuses/${sha}`,
      states: ['pending', 'pending', 'failure'],
      names: ['context', 'target_url'],
      token: ['authorization', `token ${TOKEN}`],
    },
    gitlab: {
      path: `/projects/acme%2Fapp/statuses/${sha}`,
      states: ['pending', 'running', 'failed'],
      names: ['name', 'target_url'],
      token: ['private-token', TOKEN],
    },
    bitbucket: {
      path: `/repositories/acme/app/commit/${sha}/statuses/build`,
      states: ['INPROGRESS', 'INPROGRESS', 'FAILED'],
      names: ['key', 'url'],
      token: ['authorization', `Bearer ${TOKEN}`],
    },
  } as const
  for (const forge of ['github', 'gitea', 'gitlab', 'bitbucket'] as const) {
    await using world = await openStatusWorld({ forge })
    await using reporter = await world.startReporter()
    const created = await addPipeline(world, world.repositoryId)
    const changes = [
      async () => created,
      async () => (await world.stage.plan(created, [{}])).pipeline,
      async (last: Pipeline) => await world.stage.end(last, 'failure'),
    ]
    let pipeline = created
    for (const [index, change] of changes.entries()) {
      pipeline = await change(pipeline)
      await note(world, reporter, pipeline.id)
      await eventually(() => world.forge.taken.length === index + 1)
    }
    const expected = forges[forge]
    assert.deepEqual(states(world.forge), expected.states)
    const last = world.forge.taken.at(-1)
    assert.equal(last?.path, expected.path)
    const [context, url] = expected.names
    assert.equal(last?.body[url], `https://ci.example.com/pipelines/${pipeline.id}`)
    assert.equal(last?.body[context], 'narwhal')
    assert.equal(last?.body['description'], 'pipeline 1: failure')
    const [header, token] = expected.token
    assert.equal(last?.headers[header], token)
  }
})

test('while the forge hangs only one request is in flight, and only the last state is sent after it', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  world.forge.behaviour = 'hang'
  const created = await addPipeline(world, world.repositoryId)
  await note(world, reporter, created.id)
  await eventually(() => world.forge.posted.length === 1)
  const { pipeline } = await world.stage.plan(created, [{}])
  await note(world, reporter, created.id)
  await world.stage.end(pipeline)
  for (let i = 0; i < 100; i++) await note(world, reporter, created.id)
  assert.equal(world.forge.posted.length, 1)
  assert.equal(reporter.pending, 1)
  world.forge.behaviour = { status: 201 }
  world.forge.release()
  await eventually(() => world.forge.taken.length === 1)
  assert.deepEqual(states(world.forge), ['success'])
})

test('a failed status is retried, not before the forge allows it', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const { id } = await addPipeline(world, world.repositoryId)
  world.forge.behaviour = { status: 500, body: '<html>' }
  await note(world, reporter, id)
  await eventually(() => world.forge.posted.length >= 3)
  world.forge.behaviour = { status: 429, headers: { 'retry-after': '3600' } }
  await eventually(() => world.forge.posted.some(({ answer }) => answer === 429))
  const limited = (): number => world.forge.posted.length
  const before = limited()
  world.forge.behaviour = { status: 201 }
  for (let i = 0; i < 10; i++) await note(world, reporter, id)
  await reporter.refresh()
  assert.equal(limited(), before)
  assert.equal(reporter.pending, 1)
})

test("GitHub's rate limit is a pause, and any other 403 is a rejection", async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const { id } = await addPipeline(world, world.repositoryId)
  const inAnHour = String(Math.floor(Date.now() / 1000) + 3600)
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inAnHour }
  world.forge.behaviour = { status: 403, headers, body: '{"message":"API rate limit exceeded"}' }
  await note(world, reporter, id)
  await eventually(() => world.forge.posted.length === 1 && reporter.pending === 1)
  assert.equal(await world.stage.store.statuses.findLast(world.repositoryId), undefined)

  await using other = await openStatusWorld()
  await using second = await other.startReporter()
  const { id: refused } = await addPipeline(other, other.repositoryId)
  other.forge.behaviour = { status: 403, body: '{"message":"Resource not accessible"}' }
  await note(other, second, refused)
  const sent = await eventually(
    async () => (await other.stage.store.statuses.findLast(other.repositoryId)) ?? null,
  )
  assert.match(
    sent.error ?? '',
    /403 \(Resource not accessible\): the token may not write statuses/,
  )
  await note(other, second, refused)
  await second.refresh()
  assert.equal(other.forge.posted.length, 1)

  // With another token, say, what was rejected is sent.
  other.forge.behaviour = { status: 201 }
  await other.link('acme/moved')
  await second.refresh()
  await eventually(() => other.forge.taken.length === 1)
  assert.match(other.forge.taken[0]?.path ?? '', /^\/repos\/acme\/moved\//)
})

test('what a previous process has not sent is sent after the start, once', async () => {
  await using world = await openStatusWorld()
  const created = await addPipeline(world, world.repositoryId)
  {
    await using reporter = await world.startReporter()
    await note(world, reporter, created.id)
    await eventually(
      async () => (await world.stage.store.statuses.findLast(world.repositoryId)) ?? null,
    )
  }
  const { pipeline } = await world.stage.plan(created, [{}])
  await world.stage.end(pipeline)
  await addPipeline(world, world.repositoryId, 'b'.repeat(40))
  for (const _start of [1, 2]) {
    await using reporter = await world.startReporter()
    await eventually(async () => {
      const unsent = { by: 'dispatcher_1', since: 0, limit: 10 } as const
      return (await world.stage.store.statuses.listUnsent(unsent)).length === 0
    })
    assert.equal(reporter.pending, 0)
  }
  assert.deepEqual(states(world.forge), ['pending', 'success', 'pending'])
})

test('what a lost dispatcher has not sent is sent by another, however old it is', async () => {
  await using world = await openStatusWorld()
  const seat = { id: 'dispatcher_2', startedAt: 1 } as const
  await world.stage.write((write) => write.dispatchers.takeSeat(seat))
  const receivedAt = Date.now() - 7_200_000
  const { id } = await world.stage.addPipeline(world.repositoryId, { receivedAt })
  await world.stage.write((write) => write.pipelines.take(id, seat.id))
  await using reporter = await world.startReporter()
  await reporter.refresh()
  assert.equal(world.forge.posted.length, 0)
  await world.stage.write((write) => write.dispatchers.endSeats([seat]))
  await reporter.refresh()
  await eventually(() => world.forge.taken.length === 1)
})

test('the newest pipeline of a commit counts, whichever ends last', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const [first, second] = [
    await addPipeline(world, world.repositoryId),
    await world.stage.addPipeline(world.repositoryId, {
      sha: 'a'.repeat(40),
      ref: 'refs/heads/other',
    }),
  ]
  for (const [created, outcome] of [
    [second, 'success'],
    [first, 'failure'],
  ] as const) {
    const { pipeline } = await world.stage.plan(created, [{}])
    await world.stage.end(pipeline, outcome)
    await note(world, reporter, created.id)
    await eventually(() => reporter.pending === 0 && world.forge.taken.length === 1)
  }
  const unsent = { by: 'dispatcher_1', since: 0, limit: 10 } as const
  assert.deepEqual(await world.stage.store.statuses.listUnsent(unsent), [])
  assert.deepEqual(states(world.forge), ['success'])
})

test('a rejected token is logged once, with what to do, and recorded until one is accepted', async () => {
  await using world = await openStatusWorld()
  const { forge, stage, repositoryId, said } = world
  await using reporter = await world.startReporter()
  const report = async (digit: string, behaviour: StatusForge['behaviour']): Promise<void> => {
    forge.behaviour = behaviour
    const { id } = await addPipeline(world, repositoryId, digit.repeat(40))
    await note(world, reporter, id)
    await eventually(
      async () => (await stage.store.statuses.findLast(repositoryId))?.pipelineId === id,
    )
  }
  const refusal = async () => (await stage.store.forgeLinks.find(repositoryId))?.refusal
  const lines = (words: RegExp): number => said.filter((line) => words.test(line)).length
  await report('1', { status: 404 })
  assert.equal(await refusal(), undefined)
  await report('2', { status: 401 })
  await eventually(async () => (await refusal()) !== undefined)
  const first = await refusal()
  assert.match(first?.words ?? '', /^it answered 401.*not valid/)
  await report('3', { status: 403 })
  await report('4', { status: 401 })
  assert.deepEqual(await refusal(), first)
  await eventually(() => lines(/rejects the repository.s token/) === 1)
  assert.equal(lines(/narwhal repo link acme\/widgets --token-file <file>/), 1)
  await report('5', { status: 201 })
  await eventually(async () => (await refusal()) === undefined)
  assert.equal(lines(/rejects the repository.s token/), 1)
  await eventually(() => lines(/accepts the repository.s token again/) === 1)
})

test('the token is never logged, whatever the forge answers', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const answers = [500, 401, 302, 404, 422]
  for (const [index, status] of answers.entries()) {
    const { id } = await addPipeline(world, world.repositoryId, String(index + 1).repeat(40))
    world.forge.behaviour = { status, headers: { location: 'http://127.0.0.1:1/' } }
    await note(world, reporter, id)
    await eventually(() => world.forge.posted.some(({ path }) => path.endsWith(`${index + 1}`)))
  }
  await eventually(() => world.said.some((line) => line.includes('rejected a status')))
  assert.ok(world.said.every((line) => !line.includes(TOKEN)))
})
