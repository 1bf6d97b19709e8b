import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { test } from 'node:test'
import { ApiClient } from '../../src/client/client.ts'
import { SIGNED_OUT_CODE } from '../../src/contract/live/close-code.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { startUp } from '../support/installation.ts'
import { LiveTestClient } from '../support/live-client.ts'
import { runNarwhal, startNarwhal } from '../support/narwhal-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { bearer, tokenIn } from '../support/tokens.ts'

const never = new AbortController().signal

async function signIn(url: string, body: object, headers: object = {}): Promise<Response> {
  return await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

const cookieOf = (answer: Response): string => answer.headers.get('set-cookie')?.split(';')[0] ?? ''

const statusAs = async (url: string, cookie: string): Promise<number> =>
  (await fetch(`${url}/api/v1/session`, { headers: { cookie } })).status

test('SEC-01c: without credentials nobody approves a pipeline, not even on loopback', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: { 'narwhal.yml': 'steps: [print a]' } })
  const { client, url } = narwhal
  await client.addRepository({ name: 'ada/a', cloneUrl: repository.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/a' })
  for (const path of [`pipelines/${id}/approve`, 'tokens', 'secrets/KEY', 'users', 'runners']) {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    const answer = await fetch(`${url}/api/v1/${path}`, sent)
    assert.equal(answer.status, 401, path)
    assert.match(await answer.text(), /a token is needed/)
  }
})

test('SEC-20: signing out ends the session, even for a copied cookie', async () => {
  await using narwhal = await startUp()
  const { url, token } = narwhal
  const answer = await signIn(url, { token })
  assert.equal(answer.status, 200)
  const set = answer.headers.get('set-cookie') ?? ''
  assert.match(set, /HttpOnly; SameSite=Strict/)
  assert.ok(!set.includes(token), 'the cookie is not the token')
  const cookie = cookieOf(answer)
  assert.equal(await statusAs(url, cookie), 200)
  await fetch(`${url}/api/v1/session`, { method: 'DELETE', headers: { cookie } })
  assert.equal(await statusAs(url, cookie), 401)
  // A cookie is no token, and a token no cookie.
  const other = cookieOf(await signIn(url, { token }))
  const swapped = bearer(other.split('=')[1] ?? '')
  assert.equal((await fetch(`${url}/api/v1/session`, { headers: swapped })).status, 401)
  assert.equal(await statusAs(url, `narwhal_session=${token}`), 401)
})

test('SEC-20b: behind a TLS proxy the cookie is never sent in plain text', async () => {
  await using narwhal = await startUp()
  const plain = await signIn(narwhal.url, { token: narwhal.token })
  assert.doesNotMatch(plain.headers.get('set-cookie') ?? '', /Secure/)
  const forwarded = { 'x-forwarded-proto': 'https' }
  const proxied = await signIn(narwhal.url, { token: narwhal.token }, forwarded)
  assert.match(proxied.headers.get('set-cookie') ?? '', /; Secure/)
  assert.match(proxied.headers.get('strict-transport-security') ?? '', /max-age/)
  await using known = await startUp({ publicUrl: 'https://ci.example.com' })
  const told = await signIn(known.url, { token: known.token })
  assert.match(told.headers.get('set-cookie') ?? '', /; Secure/)
})

test('WHO-02: a removed user, or one with another role, is cut off within seconds', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const open = async (name: string) => {
    await client.addUser({ name, role: 'admin' })
    const { token } = await client.createToken({ name: 'page', user: name })
    const cookie = cookieOf(await signIn(url, { token }))
    const live = await LiveTestClient.connect(url, { cookie, origin: url })
    return { token, cookie, live, closed: once(live.socket, 'close') }
  }
  const [gone, demoted] = [await open('gone'), await open('demoted')]
  await using _first = gone.live
  await using _second = demoted.live
  await client.removeUser('gone')
  await client.setRole('demoted', 'viewer')
  for (const { closed } of [gone, demoted]) {
    const [code] = (await closed) as [number]
    assert.equal(code, SIGNED_OUT_CODE)
  }
  assert.equal(await statusAs(url, gone.cookie), 401)
  assert.equal(await statusAs(url, demoted.cookie), 200)
  await assert.rejects(new ApiClient({ server: url, token: gone.token }, never).listUsers(), {
    code: 'unauthenticated',
  })
})

test('WHO-03: a link signs in once, and the next one ends it', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const first = await client.createSignInLink()
  const second = await client.createSignInLink()
  assert.equal((await signIn(url, { code: first.code })).status, 401)
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => signIn(url, { code: second.code })),
  )
  const [won, ...more] = answers.filter(({ status }) => status === 200)
  assert.ok(won && more.length === 0)
  assert.equal(await statusAs(url, cookieOf(won)), 200)
  const late = await signIn(url, { code: second.code })
  assert.match(await late.text(), /was used, has expired \(after five minutes\)/)
})

test('WHO-04: links and tokens are printed to terminals only, and the token is readable by its user only', async () => {
  await using data = await tempDir()
  const args = ['up', '--port', '0', '--executor', 'fake:', '--data', data.path]
  await using up = startNarwhal(args)
  const url = await eventually(() => /is up: (http:\S+)/.exec(up.said())?.[1] ?? null, {
    timeoutMs: 30_000,
  })
  await eventually(() => up.said().includes('run: ./narwhal sign-in-link'))
  assert.doesNotMatch(up.said(), /narwhal_/)
  assert.equal((await stat(data.join('token'))).mode & 0o777, 0o600)
  const own = ['--server', url, '--data', data.path]
  const listed = await runNarwhal(['repo', 'list', ...own])
  assert.equal(listed.code, 0, listed.said)
  const link = await runNarwhal(['sign-in-link', ...own])
  const code = /\/sign-in#code=(\S+)/.exec(link.said)?.[1]
  assert.equal((await signIn(url, { code })).status, 200)
  // The same command line elsewhere has no token.
  const elsewhere = await runNarwhal(['repo', 'list', '--server', url, '--data', '/nonexistent'])
  assert.equal(elsewhere.code, 4, elsewhere.said)
})

test('WHO-05: tokens expire, tell their holder, and a leaked one can be revoked by its value', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const made = await client.createToken({ name: 'ninety' })
  const days = ((made.expiresAt ?? 0) - Date.now()) / 86_400_000
  assert.ok(days > 89 && days < 91, String(days))
  assert.equal(
    (await client.createToken({ name: 'for ever', lifeMs: 'never' })).expiresAt,
    undefined,
  )
  const asIt = new ApiClient({ server: url, token: made.token }, never)
  await asIt.listRepositories()
  await eventually(async () => {
    const token = (await client.listTokens()).find(({ name }) => name === 'ninety')
    assert.ok(token?.usedAt)
    assert.match(token.usedFrom ?? '', /127\.0\.0\.1/)
  })
  assert.deepEqual(await client.revoke(made.token), { revoked: 'access token', id: made.id })
  await assert.rejects(asIt.listRepositories(), { code: 'unauthenticated' })
  await assert.rejects(client.revoke(made.token), { code: 'not_found' })
  const database = await readFile(`${narwhal.dataDir}/narwhal.db`)
  for (const secret of [made.token, tokenIn(narwhal.dataDir)]) {
    assert.ok(!database.includes(secret), 'only hashes are stored')
  }
})
