import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { ApiClient } from '../src/client/client.ts'
import type { Role } from '../src/core/access/role.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { startUp } from './support/installation.ts'
import { tempDir } from './support/temp-dir.ts'
import { startTestRunner } from './support/test-runner.ts'
import { bearer } from './support/tokens.ts'

const openPublic = () => startUp({ host: '0.0.0.0' })

/** A request that may say things that fetch does not let one say. */
async function ask(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Record<string, string | string[] | undefined> }> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { method, headers }, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

async function openSocket(url: string, headers: Record<string, string>): Promise<boolean> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
  return await new Promise((resolve) => {
    socket.on('open', () => {
      socket.close()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

test('beyond loopback everything under /api needs a token', async () => {
  const narwhal = await openPublic()
  await using _ = narwhal
  const url = narwhal.url.replace('0.0.0.0', '127.0.0.1')
  const paths = [
    '/api/v1/pipelines',
    '/api/v1/repositories',
    '/api/v1/runners',
    '/api/v1/queue',
    '/api/v1/tokens',
    '/api/v1/status',
    '/api/v1/openapi.json',
    '/api/v1/nothing',
  ]
  for (const path of paths) {
    const without = await ask(url, path)
    assert.equal(without.status, 401, path)
    assert.match(String(without.headers['www-authenticate']), /Bearer/)
    const wrong = await ask(url, path, { authorization: 'Bearer narwhal_wrong' })
    assert.equal(wrong.status, 401, path)
    const right = await ask(url, path, { authorization: `Bearer ${narwhal.token}` })
    assert.equal(right.status, path.endsWith('nothing') ? 404 : 200, path)
  }
  for (const path of ['/healthz', '/readyz', '/']) {
    assert.equal((await ask(url, path)).status, 200, path)
  }
  // Tricks with the path lead nowhere.
  for (const path of [
    '//api/v1/pipelines',
    '/api//v1/pipelines',
    '/%61pi/v1/pipelines',
    '/API/v1/pipelines',
    '/x/../api/v1/pipelines',
  ]) {
    const { status, headers } = await ask(url, path)
    const isPage = status === 200 && String(headers['content-type']).startsWith('text/html')
    assert.ok(status === 401 || status === 404 || isPage, `${path}: ${status}`)
  }
  assert.equal(await openSocket(url, {}), false)
  assert.equal(await openSocket(url, { authorization: `Bearer ${narwhal.token}` }), true)
})

test('tokens are stored hashed, listed without themselves, and gone when removed', async () => {
  const narwhal = await openPublic()
  await using _ = narwhal
  const url = narwhal.url.replace('0.0.0.0', '127.0.0.1')
  const authorization = `Bearer ${narwhal.token}`
  const created = await fetch(`${url}/api/v1/tokens`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'laptop' }),
  })
  assert.equal(created.status, 201)
  const { id, token } = (await created.json()) as { id: string; token: string }
  const list = await (await fetch(`${url}/api/v1/tokens`, { headers: { authorization } })).text()
  assert.match(list, /laptop/)
  for (const secret of [token, narwhal.token]) assert.ok(!list.includes(secret))
  for (const file of await readdir(narwhal.dataDir)) {
    if (!file.startsWith('narwhal.db')) continue
    const bytes = await readFile(`${narwhal.dataDir}/${file}`)
    for (const secret of [token, narwhal.token]) assert.ok(!bytes.includes(secret), file)
  }
  const own = { authorization: `Bearer ${token}` }
  assert.equal((await ask(url, '/api/v1/pipelines', own)).status, 200)
  assert.equal((await ask(url, `/api/v1/tokens/${id}`, { authorization }, 'DELETE')).status, 200)
  assert.equal((await ask(url, '/api/v1/pipelines', own)).status, 401)
})

test('a user does what their role allows, and is named where they did it', async () => {
  const file = 'jobs: { talk: { steps: [print hello] }, wait: { steps: [sleep 600000] } }'
  await using repository = await gitRepository({ files: { 'narwhal.yml': file } })
  const narwhal = await openPublic()
  await using _ = narwhal
  const url = narwhal.url.replace('0.0.0.0', '127.0.0.1')
  const as = (token: string) => new ApiClient({ server: url, token }, new AbortController().signal)
  const admin = as(narwhal.token)
  const user = async (name: string, role: Role) => {
    await admin.addUser({ name, role })
    return as((await admin.createToken({ name: 'laptop', user: name })).token)
  }
  const [viewer, member] = [await user('Vera', 'viewer'), await user('Mia', 'member')]
  const shop = { name: 'ada/shop', cloneUrl: repository.path }
  await assert.rejects(member.addRepository(shop), {
    code: 'forbidden',
    message: /"Mia" is a member, but this requires an administrator/,
  })
  await admin.addRepository(shop)
  const start = { repository: 'ada/shop' }
  await assert.rejects(viewer.startPipeline(start), { code: 'forbidden', message: /a viewer/ })
  const started = await member.startPipeline(start)
  assert.equal(started.startedBy, 'Mia')
  await assert.rejects(viewer.rerunPipeline(started.id), { code: 'forbidden' })
  const talk = async () => (await viewer.getPipeline(started.id)).jobs[0]
  const { id } = await eventually(async () => {
    const job = await talk()
    return job?.status === 'finished' ? job : null
  })
  await admin.rerunJob(id)
  await eventually(async () => (await talk())?.attempts.length === 2)
  assert.deepEqual(
    (await talk())?.attempts.map(({ askedBy }) => askedBy),
    [undefined, 'admin'],
  )
  await member.cancelPipeline(started.id, 'enough')
  const { jobs: ended } = await viewer.getPipeline(started.id)
  assert.equal(ended[1]?.reason, 'cancelled by Mia: enough')
  // Of tokens each has their own.
  assert.deepEqual(
    (await viewer.listTokens()).map((token) => token.user),
    ['Vera'],
  )
  await viewer.createToken({ name: 'phone' })
  await assert.rejects(viewer.createToken({ name: 'phone', user: 'Mia' }), { code: 'forbidden' })
  const hers = (await admin.listTokens()).find((token) => token.user === 'Mia')
  await assert.rejects(viewer.removeToken(hers?.id ?? ''), { code: 'not_found' })
  await assert.rejects(viewer.setRole('Vera', 'admin'), { code: 'forbidden' })
  await admin.setRole('Vera', 'member')
  const second = await viewer.startPipeline(start)
  await viewer.cancelPipeline(second.id)
  await admin.removeUser('Mia')
  await assert.rejects(member.listUsers(), { code: 'unauthenticated' })
})

test('a browser signs in with a token and gets a cookie that no script can read', async () => {
  const narwhal = await openPublic()
  await using _ = narwhal
  const url = narwhal.url.replace('0.0.0.0', '127.0.0.1')
  const signIn = (token: string): Promise<Response> =>
    fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
  assert.equal((await signIn('narwhal_wrong')).status, 401)
  const response = await signIn(narwhal.token)
  assert.equal(response.status, 200)
  const set = response.headers.get('set-cookie') ?? ''
  assert.match(set, /HttpOnly/)
  assert.match(set, /SameSite=Strict/)
  const cookie = set.split(';')[0] ?? ''
  assert.equal((await ask(url, '/api/v1/pipelines', { cookie })).status, 200)
  const origin = url
  assert.equal(await openSocket(url, { cookie, origin }), true)
  assert.equal(await openSocket(url, { cookie, origin: 'https://evil.example' }), false)
  // What another site's page sends carries its origin, and is refused whatever cookie comes along.
  const evil = { cookie, origin: 'https://evil.example' }
  assert.equal((await ask(url, '/api/v1/tokens', evil, 'POST')).status, 403)
})

test('on loopback a token is needed too, and the server must be addressed as loopback', async () => {
  await using narwhal = await startUp()
  const { port } = new URL(narwhal.url)
  const own = bearer(narwhal.token)
  assert.equal((await ask(narwhal.url, '/api/v1/pipelines')).status, 401)
  assert.equal((await ask(narwhal.url, '/api/v1/pipelines', own)).status, 200)
  const rebound = { ...own, host: `evil.example:${port}` }
  assert.equal((await ask(narwhal.url, '/api/v1/pipelines', rebound)).status, 403)
  assert.equal(await openSocket(narwhal.url, rebound), false)
  const foreign = { ...own, origin: 'https://evil.example' }
  assert.equal((await ask(narwhal.url, '/api/v1/tokens', foreign, 'POST')).status, 403)
  assert.equal(await openSocket(narwhal.url, foreign), false)
  assert.equal(await openSocket(narwhal.url, { ...own, origin: narwhal.url }), true)
})

test('a second start builds its folder although the first token is not known any more', async () => {
  await using repository = await gitRepository({
    files: { 'narwhal.yml': 'steps: [{ name: a, command: print hello }]' },
  })
  await using data = await tempDir()
  for (const words of [/success in/, /was already built/]) {
    await using narwhal = await startUp({
      data: data.path,
      host: '0.0.0.0',
      build: repository.path,
    })
    await eventually(() => words.test(narwhal.output()), {
      message: `${words} in the output`,
      timeoutMs: 30_000,
    })
  }
})

test('a runner that wants a token runs nothing for those who have none', async () => {
  await using narwhal = await startUp()
  await using runner = await startTestRunner({ name: 'guarded', token: 'the-right-token' })
  const stateOf = async (name: string): Promise<string | undefined> =>
    (await narwhal.client.listRunners()).find((one) => one.name === name)?.state
  await narwhal.client.addRunner({ name: 'wrong', url: runner.url, token: 'another-token' })
  await narwhal.client.addRunner({ name: 'none', url: runner.url })
  await narwhal.client.addRunner({ name: 'right', url: runner.url, token: 'the-right-token' })
  await eventually(async () => (await stateOf('right')) === 'online')
  for (const name of ['wrong', 'none']) {
    const view = (await narwhal.client.listRunners()).find((one) => one.name === name)
    assert.equal(view?.state, 'offline')
    assert.match(view.reason ?? '', /token/)
  }
})
