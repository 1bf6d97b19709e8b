import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reachOf } from '../../src/api/auth/scope.ts'
import { ROUTES, type Route, urlOf } from '../../src/contract/rest/endpoints/routes.ts'
import { isOpenRoute } from '../../src/http/open-routes.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, type Installation, startUp } from '../support/installation.ts'
import { LiveTestClient } from '../support/live-client.ts'
import { bearer } from '../support/tokens.ts'

const FILE = 'jobs: { build: { steps: [print hello] } }'

interface Built {
  readonly name: string
  readonly id: string
  readonly pipeline: `pipeline_${string}`
  readonly job: `job_${string}`
}

/** A repository with a pipeline that has run. */
async function build({ client }: Installation, name: string, cloneUrl: string): Promise<Built> {
  const { repository } = await client.addRepository({ name, cloneUrl, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: name, ref: 'refs/heads/main' })
  const { jobs } = await finished({ client }, id)
  const job = jobs[0]?.id
  assert.ok(job)
  return { name, id: repository.id, pipeline: id, job }
}

async function openTwo() {
  await using stack = new AsyncDisposableStack()
  const git = stack.use(await gitRepository({ files: { 'narwhal.yml': FILE } }))
  const narwhal = stack.use(await startUp())
  const own = await build(narwhal, 'ada/own', git.path)
  const other = await build(narwhal, 'eve/other-canary', git.path)
  const { token } = await narwhal.client.createToken({ name: 'narrow', repositories: ['ada/own'] })
  const owned = stack.move()
  return { narwhal, own, other, token, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The path of a route, with its parameters from one of the two. */
function pathOf(url: string, { name, pipeline, job }: Built): string {
  return url
    .replace('{repository}', encodeURIComponent(name))
    .replace('{pipeline}', pipeline)
    .replace('{job}', job)
    .replace('{attempt}', '1')
    .replace(/\{\w+\}/g, 'X')
}

test("WHO-53: a token that is limited to repositories can't see or change others, in any route", async () => {
  await using two = await openTwo()
  const { narwhal, own, other, token } = two
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(narwhal.url + path, {
      method,
      headers: { ...bearer(token), ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const document = (await (
    await fetch(`${narwhal.url}/api/v1/openapi.json`, { headers: bearer(narwhal.token) })
  ).json()) as { paths: Record<string, Record<string, unknown>> }
  const known = new Set(
    Object.values<Route>(ROUTES)
      .filter(({ reach }) => reach !== undefined)
      .map((route) => `${route.method} ${urlOf(route)}`),
  )
  let asked = 0
  for (const [url, operations] of Object.entries(document.paths)) {
    for (const verb of Object.keys(operations)) {
      const method = verb.toUpperCase()
      const pattern = url.replaceAll(/\{(\w+)\}/g, ':$1')
      if (!url.startsWith('/api/') || isOpenRoute(method, pattern, new Set())) continue
      const reach = reachOf(method, pattern)
      known.delete(`${method} ${pattern}`)
      // Its bodies are tested below; everything else is checked before the body.
      if (reach === 'named in the body') continue
      const { status, text } = await ask(method, pathOf(url, other))
      const what = `${method} ${url}: ${status} ${text.slice(0, 200)}`
      asked++
      if (reach === undefined) assert.ok([400, 403].includes(status), what)
      else if (reach === 'open' || reach === 'filtered') assert.ok(status < 500, what)
      else assert.ok([400, 404].includes(status), what)
      const told = text.replaceAll(pathOf(other.name, other), '').replaceAll(`"${other.name}"`, '')
      for (const canary of ['other-canary', other.id]) assert.ok(!told.includes(canary), what)
    }
  }
  assert.ok(asked > 50, `${asked} routes`)
  // Every route in the table exists.
  const besides = ['GET /api/v1/openapi.json', 'GET /api/v1/live']
  assert.deepEqual(
    [...known].filter((route) => !besides.includes(route)),
    [],
  )
  const starts = { repository: other.name, ref: 'refs/heads/main' }
  assert.equal((await ask('POST', '/api/v1/pipelines', starts)).status, 404)
  const approvals = [{ pipeline: other.pipeline, sha: 'a'.repeat(40), plan: 'b'.repeat(64) }]
  assert.ok([400, 404].includes((await ask('POST', '/api/v1/approvals', { approvals })).status))
  // It can see and change its own, as its owner may.
  const list = await ask('GET', '/api/v1/pipelines')
  assert.ok(list.text.includes(own.pipeline))
  assert.equal((await ask('GET', `/api/v1/jobs/${own.job}/attempts/1/log.txt`)).status, 200)
  assert.equal((await ask('POST', `/api/v1/pipelines/${own.pipeline}/rerun`)).status, 201)
})

test('WHO-60: another repository is answered like one that does not exist', async () => {
  await using two = await openTwo()
  const { narwhal, own, other, token } = two
  const list = async (repository: string): Promise<[number, string]> => {
    const query = new URLSearchParams({ repository })
    const asked = `${narwhal.url}/api/v1/pipelines?${query.toString()}`
    const answer = await fetch(asked, { headers: bearer(token) })
    return [answer.status, (await answer.text()).replaceAll(repository, 'R')]
  }
  const never = await list('eve/never')
  assert.equal(never[0], 404)
  for (const name of [other.name, other.name.toUpperCase(), other.id]) {
    assert.deepEqual(await list(name), never)
  }
  for (const name of [own.name, own.id]) {
    const [status, text] = await list(name)
    assert.equal(status, 200)
    assert.ok(text.includes(own.pipeline))
  }
})

test("WHO-54: a limited token follows only its own pipelines, and can't be exchanged for a wider one", async () => {
  await using two = await openTwo()
  const { narwhal, own, other, token } = two
  await using live = await LiveTestClient.connect(narwhal.url, bearer(token))
  live.ask({ type: 'subscribe', id: 'own', topic: { kind: 'pipeline', pipelineId: own.pipeline } })
  await eventually(() => live.has('own', 'subscribed'), { message: 'its own pipeline' })
  live.ask({ type: 'subscribe', id: 'b', topic: { kind: 'pipeline', pipelineId: other.pipeline } })
  live.ask({ type: 'subscribe', id: 'c', topic: { kind: 'everything' } })
  live.ask({ type: 'subscribe', id: 'd', topic: { kind: 'log', jobId: other.job, attempt: 1 } })
  for (const id of ['b', 'c', 'd']) {
    await eventually(() => live.has(id, 'error'), { message: `a refusal of ${id}` })
  }
  const { token: looks } = await narwhal.client.createToken({ name: 'looks', role: 'viewer' })
  const send = async (path: string, shown: string, body: object): Promise<number> => {
    const headers = { ...bearer(shown), 'content-type': 'application/json' }
    const asked = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(narwhal.url + path, asked)).status
  }
  for (const narrow of [token, looks]) {
    assert.equal(await send('/api/v1/session', narrow, { token: narrow }), 403)
    assert.equal(await send('/api/v1/session/links', narrow, {}), 403)
    assert.equal(await send('/api/v1/tokens', narrow, { name: 'wider' }), 403)
    const join = { name: 'rogue', labels: ['prod'], token: narrow }
    assert.equal(await send('/api/v1/runners/join', narrow, join), 401)
  }
  assert.equal(await send(`/api/v1/pipelines/${own.pipeline}/rerun`, looks, {}), 403)
  await narwhal.client.addUser({ name: 'vera', role: 'viewer' })
  const more = narwhal.client.createToken({ name: 'more', user: 'vera', role: 'admin' })
  await assert.rejects(more, /can't have the role admin: its owner vera is only viewer/)
})
