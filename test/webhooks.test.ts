import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pushPayload } from './support/github.ts'
import { type Installation, pipelineOf, push, register, startUp } from './support/installation.ts'
import { bearer } from './support/tokens.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

interface Example {
  readonly name: string
  readonly examples: readonly Record<string, unknown>[]
}
const EXAMPLES = createRequire(import.meta.url)('@octokit/webhooks-examples') as {
  default?: Example[]
} & Example[]

async function countEvents({ client }: Installation): Promise<number> {
  return (await client.listPipelines({ limit: 500 })).length
}

test('a commit is one pipeline, however often and in whatever way it is told', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: { 'README.md': '' } })
  const registered = await register(narwhal, repository.path, { pollIntervalMs: 300 })
  const sha = await repository.commit(FILE)

  const delivery = randomUUID()
  const first = await push(narwhal, registered, { sha, delivery })
  // The poller may have been first; then the webhook tells what is known.
  assert.match(first.body.status ?? '', /accepted|known/)
  const again = await push(narwhal, registered, { sha, delivery })
  assert.deepEqual([again.status, again.body.status], [200, 'known'])
  const replay = await push(narwhal, registered, { sha })
  assert.deepEqual([replay.status, replay.body.status], [200, 'known'])
  for (const reply of [again, replay]) assert.equal(reply.body.eventId, first.body.eventId)

  // Two hundred at once, each under a delivery id of its own.
  const storm = await Promise.all(
    Array.from({ length: 200 }, () => push(narwhal, registered, { sha })),
  )
  assert.deepEqual([...new Set(storm.map((reply) => reply.body.eventId))], [first.body.eventId])

  await pipelineOf(narwhal, first.body.eventId)
  // The poller sees the next commit after it has seen this one, so that is what to wait for.
  const next = await repository.commit({ 'a.txt': 'a' })
  await eventually(async () => {
    const pipelines = await narwhal.client.listPipelines({ limit: 500 })
    return pipelines.some((pipeline) => pipeline.event.sha === next)
  })
  assert.equal(await countEvents(narwhal), 2)
})

test('Gitea and GitLab tell of commits as GitHub does', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const sha = await repository.head()
  const add = async (forge: 'gitea' | 'gitlab', name: string) => {
    const more = { name, cloneUrl: repository.path, forge, pollIntervalMs: 0 }
    const { webhook } = await narwhal.client.addRepository(more)
    const send = async (body: string, headers: Record<string, string>) => {
      const url = `${narwhal.agentUrl}${webhook?.path}`
      const answer = await fetch(url, { method: 'POST', body, headers })
      return { status: answer.status, body: (await answer.json()) as { eventId?: string } }
    }
    return { secret: webhook?.secret ?? '', send }
  }
  const gitea = await add('gitea', 'ada/at-gitea')
  const person = { id: 7, login: 'ada' }
  const ofGitea = JSON.stringify({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    commits: [],
    repository: { id: 140, full_name: 'ada/at-gitea' },
    pusher: person,
    sender: person,
  })
  const signed = (secret: string) => ({
    'x-gitea-event': 'push',
    'x-gitea-delivery': randomUUID(),
    'x-gitea-signature': createHmac('sha256', secret).update(ofGitea).digest('hex'),
  })
  assert.equal((await gitea.send(ofGitea, signed('wrong'))).status, 401)
  const first = await gitea.send(ofGitea, signed(gitea.secret))
  assert.equal(first.status, 202)
  assert.equal((await gitea.send(ofGitea, signed(gitea.secret))).status, 200)
  await pipelineOf(narwhal, first.body.eventId)

  const gitlab = await add('gitlab', 'ada/deep/at-gitlab')
  const ofGitlab = JSON.stringify({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    checkout_sha: sha,
    user_id: 4,
    user_name: 'Ada',
    commits: [],
    project: { id: 140, path_with_namespace: 'ada/deep/at-gitlab' },
  })
  const told = (token: string) => ({
    'x-gitlab-event': 'Push Hook',
    'x-gitlab-event-uuid': randomUUID(),
    'x-gitlab-token': token,
  })
  for (const wrong of ['', 'wrong', `${gitlab.secret}x`]) {
    assert.equal((await gitlab.send(ofGitlab, told(wrong))).status, 401)
  }
  const other = await gitlab.send(ofGitlab, told(gitlab.secret))
  assert.equal(other.status, 202)
  await pipelineOf(narwhal, other.body.eventId)
  const renewed = await narwhal.client.newWebhookSecret('ada/deep/at-gitlab')
  assert.equal((await gitlab.send(ofGitlab, told(gitlab.secret))).status, 200)
  assert.equal((await gitlab.send(ofGitlab, told(renewed.webhook?.secret ?? ''))).status, 200)
  assert.equal((await gitlab.send(ofGitlab, told(gitlab.secret))).status, 401)
})

test('the poller finds branches, tags and what a webhook did not tell', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE, serve: true })
  await register(narwhal, repository.url, { pollIntervalMs: 200 })
  // Upon no branch: the poller must not find the new one where it begins.
  await repository.git('checkout', '--quiet', '--detach')
  const sha = await repository.commit({ 'a.txt': 'a' }, 'Add a\n\nAnd say why.')
  await repository.branch('feature')
  await repository.tag('v1', 'the first')
  const pipelines = await eventually(async () => {
    const found = await narwhal.client.listPipelines({ limit: 10 })
    return found.length === 2 && found.every((one) => one.event.title !== '') ? found : null
  })
  const refs = new Map(pipelines.map(({ event }) => [event.kind, event]))
  for (const [kind, ref] of [
    ['push', 'refs/heads/feature'],
    ['tag', 'refs/tags/v1'],
  ] as const) {
    const event = refs.get(kind)
    assert.deepEqual([event?.ref, event?.sha, event?.title], [ref, sha, 'Add a'])
  }
  // Registering built nothing: what was there is where the poller starts.
  assert.ok(pipelines.every(({ event }) => event.ref !== 'refs/heads/main'))
})

test('what is wrong with a webhook is answered in words and stores nothing', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const { forge, secret } = await register(narwhal, repository.path)
  const other = await register(narwhal, repository.path, { name: 'ada/other' })
  const payload = pushPayload(forge, { sha: await repository.head() })
  const send = (body: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${narwhal.url}/webhooks/github`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        ...headers,
      },
    })
  const sign = (body: string, key = secret): Record<string, string> => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  })
  const body = JSON.stringify(payload)
  const unknown = JSON.stringify(
    pushPayload({ id: 1, fullName: 'no/body' }, { sha: 'a'.repeat(40) }),
  )
  const hostileRef = JSON.stringify(
    pushPayload(forge, { sha: 'a'.repeat(40), ref: 'refs/heads/--upload-pack=x;..' }),
  )
  const cases: [string, Response, number, RegExp][] = [
    ['no signature', await send(body, {}), 401, /not signed/],
    ['a wrong signature', await send(body, sign(body, 'wrong')), 401, /does not match/],
    ["another repository's secret", await send(body, sign(body, other.secret)), 401, /match/],
    ['one bit changed', await send(`${body} `, sign(body)), 401, /does not match/],
    ['sha1 only', await send(body, { 'x-hub-signature-256': 'sha1=abc' }), 401, /does not match/],
    ['an unknown repository', await send(unknown, sign(unknown)), 401, /does not match/],
    ['malformed JSON', await send('{"a":', sign('{"a":')), 400, /not JSON that names/],
    ['no repository', await send('{}', sign('{}')), 400, /not JSON that names/],
    ['a list', await send('[]', sign('[]')), 400, /not JSON that names/],
    ['an empty body', await send('', sign('')), 400, /not JSON that names/],
    [
      'no event header',
      await send(body, { ...sign(body), 'x-github-event': '' }),
      400,
      /x-github-event/,
    ],
    ['a hostile ref', await send(hostileRef, sign(hostileRef)), 400, /ref/],
  ]
  for (const [name, response, status, words] of cases) {
    const text = await response.text()
    assert.equal(response.status, status, `${name}: ${text}`)
    assert.match(text, words, name)
  }
  const huge = await send('x'.repeat(1024 * 1024 + 1), sign('')).catch(() => undefined)
  assert.ok(huge === undefined || huge.status === 413)
  assert.equal((await fetch(`${narwhal.url}/webhooks/github`)).status, 405)
  assert.equal(await countEvents(narwhal), 0)
  const headers = bearer(narwhal.token)
  const metrics = await (await fetch(`${narwhal.url}/metrics`, { headers })).text()
  assert.match(metrics, /narwhal_webhooks_total\{result="unauthenticated"\} 6/)
})

test("GitHub's own example payloads are accepted or ignored, and none does harm", async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const registered = new Map<string, { forgeId: number; id: string; secret: string }>()
  const examples = (EXAMPLES.default ?? EXAMPLES).flatMap(({ name, examples: payloads }) =>
    payloads.map((payload) => ({ name, payload })),
  )
  assert.ok(examples.length > 200)
  const statuses = new Map<string, number>()
  for (const { name, payload } of examples) {
    const { full_name: fullName, id: forgeId } = (payload['repository'] ?? {}) as {
      full_name?: string
      id: number
    }
    const known = registered.get(fullName ?? '')
    // The same name under another number is another repository, made after the first was deleted.
    if (known && known.forgeId !== forgeId) await narwhal.client.removeRepository(known.id)
    if (fullName && known?.forgeId !== forgeId) {
      const { id, secret } = await register(narwhal, repository.path, { name: fullName })
      registered.set(fullName, { forgeId, id, secret })
    }
    const secret = registered.get(fullName ?? '')?.secret ?? 'none'
    const reply = await deliver(narwhal.url, { event: name, payload, secret })
    const expected = fullName ? [200, 202] : [400]
    assert.ok(expected.includes(reply.status), `${name}: ${reply.status} ${reply.body.message}`)
    const word = reply.body.status ?? 'refused'
    statuses.set(word, (statuses.get(word) ?? 0) + 1)
  }
  assert.ok((statuses.get('accepted') ?? 0) >= 3, JSON.stringify([...statuses]))
  assert.ok((statuses.get('ignored') ?? 0) > 200, JSON.stringify([...statuses]))
  assert.equal((await fetch(`${narwhal.url}/readyz`)).status, 200)
})
