import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get } from 'node:http'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { openWebStage, type WebStage } from '#root/test/support/web-stage.ts'
import type { Job } from '../../core/job/job.ts'

async function read(web: WebStage, path: string) {
  const response = await fetch(`${web.url}/api/v1${path}`)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  // oxlint-disable-next-line typescript/no-explicit-any
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  }
}

test('shows repositories by id and by name, without secrets', async () => {
  await using web = await openWebStage()
  const { id, name } = await web.stage.addRepository('acme/widgets')
  const list = await read(web, '/repositories')
  assert.equal(list.body.repositories.length, 1)
  assert.ok(!list.text.includes('secret'))
  assert.equal((await read(web, `/repositories/${id}`)).body.name, name)
  assert.equal((await read(web, '/repositories/acme%2Fwidgets')).body.id, id)
  const missing = await read(web, '/repositories/nobody%2Fnothing')
  assert.equal(missing.status, 404)
  assert.match(missing.body.message, /no repository "nobody\/nothing"/)
})

test('lists pipelines newest first, filtered and in pages', async () => {
  await using web = await openWebStage()
  const widgets = await web.stage.addRepository('acme/widgets')
  const gadgets = await web.stage.addRepository('acme/gadgets')
  for (const title of ['one', 'two', 'three']) await web.stage.addPipeline(widgets.id, { title })
  await web.stage.addPipeline(gadgets.id, { title: 'other', ref: 'refs/heads/dev' })
  const titles = async (query: string) => {
    const { body } = await read(web, `/pipelines${query}`)
    return body.pipelines.map((pipeline: { event: { title: string } }) => pipeline.event.title)
  }
  assert.deepEqual(await titles(''), ['other', 'three', 'two', 'one'])
  assert.deepEqual(await titles('?repository=acme/widgets'), ['three', 'two', 'one'])
  assert.deepEqual(await titles('?ref=refs/heads/dev'), ['other'])
  assert.deepEqual(await titles('?text=tw&status=pending'), ['two'])
  const { body } = await read(web, '/pipelines?limit=2')
  assert.deepEqual(await titles(`?limit=2&before=${body.pipelines[1].id}`), ['two', 'one'])
  assert.equal((await read(web, '/pipelines?repository=nobody')).status, 404)
  const wrong = await read(web, '/pipelines?limit=0&status=odd')
  assert.equal(wrong.status, 400)
  assert.equal(wrong.body.problems.length, 2)
})

test('shows a pipeline with its jobs, attempts and steps', async () => {
  await using web = await openWebStage()
  const { pipeline, job } = await web.stage.runJob()
  const shown = await read(web, `/pipelines/${pipeline.id}`)
  assert.equal(shown.body.pipeline.status, 'running')
  assert.equal(shown.body.jobs[0].attempts[0].steps[0].status, 'running')
  assert.equal(shown.body.seq, await web.stage.store.changes.last())
  assert.equal((await read(web, `/jobs/${job.id}`)).body.job.name, 'build')
  assert.equal((await read(web, `/jobs/${job.id}/attempts`)).body.attempts.length, 1)
  const attempt = await read(web, `/jobs/${job.id}/attempts/1`)
  assert.equal(attempt.body.attempt.decision.runnerName, 'one')
  const steps = await read(web, `/jobs/${job.id}/attempts/1/steps`)
  assert.deepEqual(
    steps.body.steps.map(({ name }: { name: string }) => name),
    ['test'],
  )
  const missing = await read(web, `/jobs/${job.id}/attempts/2`)
  assert.equal(missing.status, 404)
  assert.match(missing.body.message, /has no attempt 2; its newest is 1/)
  assert.equal((await read(web, '/pipelines/pipeline_0')).status, 404)
  assert.equal((await read(web, '/jobs/nonsense')).status, 400)
})

test('shows runners by id and by name, and samples of those it knows', async () => {
  await using web = await openWebStage()
  const { id } = await web.stage.addRunner({
    name: 'big-one',
    link: { kind: 'dialled', url: 'http://far:1', balanced: false, token: 'a secret' },
  })
  const list = await read(web, '/runners')
  assert.equal(list.body.runners[0].name, 'big-one')
  assert.ok(!list.text.includes('a secret'))
  assert.equal((await read(web, '/runners/big-one')).body.runner.id, id)
  assert.equal((await read(web, '/runners/nobody')).status, 404)
})

test('answers a page of a log, and says when nothing follows', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await web.stage.print(job, 0, ['a', 'b', 'c'])
  const path = `/jobs/${job.id}/attempts/1/log`
  const first = await read(web, `${path}?limit=2`)
  assert.deepEqual(
    first.body.lines.map(({ text }: { text: string }) => text),
    ['a', 'b'],
  )
  assert.equal(first.body.complete, false)
  assert.equal((await read(web, `${path}?from=2`)).body.complete, false)
  await web.stage.finish(job)
  assert.equal((await read(web, `${path}?limit=2`)).body.complete, false)
  assert.equal((await read(web, `${path}?limit=3`)).body.complete, true)
  assert.equal((await read(web, `${path}?from=2`)).body.complete, true)
})

test('answers the lines before one, and the last ones', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const path = `/jobs/${job.id}/attempts/1/log`
  const numbers = async (query: string): Promise<unknown[]> => {
    const { lines, total, complete } = (await read(web, path + query)).body
    return [lines.map(({ number }: { number: number }) => number), total, complete]
  }
  assert.deepEqual(await numbers('?before=7'), [[], 0, false])
  await web.stage.print(job, 0, ['a', 'b', 'c', 'd', 'e'])
  await web.stage.finish(job)
  assert.deepEqual(await numbers('?before=4&limit=2'), [[2, 3], 5, false])
  assert.deepEqual(await numbers('?before=4000&limit=2'), [[3, 4], 5, true])
  assert.deepEqual(await numbers('?before=2'), [[0, 1], 5, false])
  assert.deepEqual(await numbers('?before=0'), [[], 5, false])
  assert.deepEqual(await numbers('?from=9'), [[], 5, true])
  assert.equal((await read(web, `${path}?before=2&from=1`)).status, 400)
})

test('gives a log out as a file to be saved', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const answer = await read(web, `/jobs/${job.id}/attempts/1/log.txt?download=true`)
  const name = `attachment; filename="${job.id}-1.log"`
  assert.equal(answer.headers.get('content-disposition'), name)
})

test('streams a whole log as text that no browser takes for a page', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const lines = Array.from({ length: 2500 }, (_, n) => `<b>line ${n}</b>`)
  for (let n = 0; n < lines.length; n += 500) {
    await web.stage.print(job, n, lines.slice(n, n + 500))
  }
  const answer = await read(web, `/jobs/${job.id}/attempts/1/log.txt`)
  assert.equal(answer.text, `${lines.join('\n')}\n`)
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  const timed = await read(web, `/jobs/${job.id}/attempts/1/log.txt?timestamps=true`)
  assert.match(timed.text, /^\d{4}-\d\d-\d\dT[\d:.]+Z <b>line 0<\/b>\n/)
})

/** 8,000 characters that can't be made smaller by much. */
const unpackable = (): string => randomBytes(6_000).toString('base64')

test('a log is read no faster than the client takes it', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const lines = (count: number) => Array.from({ length: count }, unpackable)
  for (let n = 0; n < 8000; n += 1000) await web.stage.print(job, n, lines(1000))
  const { store } = web.stage
  const logs = { ...store.logs }
  let reads = 0
  store.logs.readChunks = (...args) => {
    reads++
    return logs.readChunks(...args)
  }
  const request = get(`${web.url}/api/v1/jobs/${job.id}/attempts/1/log.txt`)
  const [response] = await once(request, 'response')
  await once(response, 'readable')
  // The client reads nothing: the sockets' buffers fill, and then the pages must stop.
  let before = -1
  await eventually(() => {
    const isStill = reads === before
    before = reads
    return isStill
  })
  // Of 30 or so.
  assert.ok(reads < 12, `${reads} pages were read for a client that takes none`)
  response.destroy()
})

test('follows a log live until the attempt has ended', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await web.stage.print(job, 0, ['stored'])
  const response = await fetch(`${web.url}/api/v1/jobs/${job.id}/attempts/1/log/follow`)
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson; charset=utf-8')
  let text = ''
  const done = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk)
  })()
  await eventually(() => text.includes('stored'))
  await web.stage.print(job, 1, ['live'])
  await eventually(() => text.includes('live'))
  await web.stage.finish(job)
  await done
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { number: number; text: string })
  assert.deepEqual(
    lines.map(({ number, text }) => [number, text]),
    [
      [0, 'stored'],
      [1, 'live'],
    ],
  )
})

test('notices a follower that went away', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const { store } = web.stage
  const leaving = new AbortController()
  const { signal } = leaving
  await fetch(`${web.url}/api/v1/jobs/${job.id}/attempts/1/log/follow`, { signal })
  leaving.abort()
  await eventually(async () => (await countConnections(web)) === 0)
  // Nobody is left who would read the new line from the store.
  store.logs.read = () => Promise.reject(new Error('somebody still follows'))
  await web.stage.print(job, 0, ['unheard'])
  await web.stage.finish(job)
})

function countConnections(web: WebStage): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  web.server.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  return promise
}

test('refuses to follow what is not there', async () => {
  await using web = await openWebStage()
  const repository = await web.stage.addRepository()
  const { jobs } = await web.stage.plan(await web.stage.addPipeline(repository.id), [{}])
  const [job] = jobs as [Job]
  assert.equal((await read(web, `/jobs/${job.id}/attempts/2/log/follow`)).status, 404)
  assert.equal((await read(web, '/jobs/job_0/attempts/1/log/follow')).status, 404)
  assert.deepEqual((await read(web, `/jobs/${job.id}/attempts/1/log`)).body, {
    lines: [],
    total: 0,
    complete: false,
  })
})

test('tells the version, the newest change, and the whole API', async () => {
  await using web = await openWebStage()
  await web.stage.addRunner()
  assert.deepEqual((await read(web, '/status')).body, { version: '1.2.3', seq: 1 })
  const { body } = await read(web, '/openapi.json')
  assert.equal(body.openapi, '3.1.0')
  const routes = Object.entries(body.paths as Record<string, Record<string, unknown>>)
  assert.ok(routes.length >= 13, `only ${routes.length} paths`)
  for (const [path, methods] of routes) {
    for (const route of Object.values(methods) as { summary?: string; tags?: string[] }[]) {
      assert.ok(route.summary && route.tags?.length, `${path} says nothing of itself`)
    }
  }
  assert.ok(body.components.schemas.Pipeline)
})
