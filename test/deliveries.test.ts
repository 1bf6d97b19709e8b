import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { runCommand } from './support/cli/run-command.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliverGogs, gogsDelivery } from './support/gogs/gogs.ts'
import { type Installation, pipelineOf, startUp } from './support/installation.ts'
import { bearer } from './support/tokens.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

async function registerGogs({ client, agentUrl }: Installation, cloneUrl: string) {
  const { repository, webhook } = await client.addRepository({
    name: 'acme/app',
    cloneUrl,
    forge: 'gogs',
    pollIntervalMs: 0,
  })
  const secret = webhook?.secret ?? ''
  return { id: repository.id, url: `${agentUrl}${webhook?.path}`, secret }
}

/** Sends a body with the signature of another text. */
async function send(url: string, body: string, type: string, signature: string | undefined) {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': type,
      'x-gogs-event': 'push',
      'x-gogs-delivery': randomUUID(),
      'x-github-event': 'push',
      ...(signature === undefined ? {} : { 'x-gogs-signature': signature }),
    },
  })
  return {
    status: response.status,
    message: ((await response.json()) as { message: string }).message,
  }
}

test('the last deliveries of a repository are listed with what was done', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE })
  const { id, url, secret } = await registerGogs(narwhal, source.path)
  const { headers, payload } = gogsDelivery('push-one')
  const pushed = { headers, payload: { ...payload, after: await source.head() } }
  const { body } = await deliverGogs(url, pushed, { secret })
  const { number } = await pipelineOf(narwhal, body.eventId)
  await deliverGogs(url, gogsDelivery('branch-deleted'), { secret })
  await deliverGogs(url, gogsDelivery('pr-merged'), { secret })
  const [closed, gone, push, ...others] = await narwhal.client.listDeliveries('acme/app')
  assert.deepEqual(others, [])
  assert.partialDeepStrictEqual(closed, {
    event: 'pull_request',
    action: 'closed',
    ref: 'refs/pull/1/head',
    result: 'ignored',
  })
  assert.partialDeepStrictEqual(gone, {
    event: 'delete',
    ref: 'refs/heads/feat',
    result: 'ignored',
  })
  assert.partialDeepStrictEqual(push, {
    event: 'push',
    ref: 'refs/heads/main',
    result: 'accepted',
    pipeline: { number },
  })
  const env = { NARWHAL_TOKEN: narwhal.token }
  const { out } = await runCommand(narwhal.url, 'repo deliveries acme/app', { env })
  assert.match(out, /pull_request closed +refs\/pull\/1\/head +ignored +closing noted/)
  assert.match(out, new RegExp(`push +refs/heads/main +new commit +#${number}`))
  for (let more = 0; more < 12; more++) {
    await deliverGogs(url, gogsDelivery('tag-deleted'), { secret })
  }
  assert.equal((await narwhal.client.listDeliveries(id)).length, 10)
})

test('a refused delivery says why in three ways, and is seen, counted and displaces nothing', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE })
  const { url, secret } = await registerGogs(narwhal, source.path)
  await deliverGogs(url, gogsDelivery('branch-deleted'), { secret })
  const { payload } = gogsDelivery('push-one')
  const json = JSON.stringify(payload)
  const sign = (text: string, by = secret) => createHmac('sha256', by).update(text).digest('hex')
  const application = 'application/json'

  for (const signature of [undefined, '']) {
    const unsigned = await send(url, json, application, signature)
    assert.equal(unsigned.status, 401)
    assert.match(unsigned.message, /is not signed/)
  }
  const wrong = await send(url, json, application, sign(json, 'other'))
  assert.equal(wrong.status, 401)
  assert.match(wrong.message, /signed with another secret/)
  // As Gogs does: the JSON is signed, and a form is sent.
  const form = `payload=${encodeURIComponent(json)}`
  const type = 'application/x-www-form-urlencoded'
  const otherwise = await send(url, form, type, sign(json))
  assert.equal(otherwise.status, 401)
  assert.match(otherwise.message, /something else than was sent.*application\/json/)
  const wrongForm = await send(url, form, type, sign(json, 'other'))
  assert.match(wrongForm.message, /signed with another secret/)
  const malformed = await send(url, '{"repository":1}', application, sign('{"repository":1}'))
  assert.equal(malformed.status, 400)
  // Signed as GitHub signs a form, it is taken.
  const taken = await send(url, form, type, sign(form))
  assert.equal(taken.status, 202)

  for (let flood = 0; flood < 100; flood++) await send(url, '{}', application, undefined)
  const listed = await eventually(async () => {
    const deliveries = await narwhal.client.listDeliveries('acme/app')
    return deliveries.filter(({ refused }) => refused).length === 4 ? deliveries : null
  })
  const of = (because: string) => listed.find(({ refused }) => refused?.because === because)
  assert.match(of('wrong_secret')?.reason ?? '', /another secret/)
  assert.equal(of('wrong_secret')?.refused?.count, 2)
  assert.equal(of('signed_otherwise')?.refused?.count, 1)
  assert.equal(of('malformed')?.event, 'push')
  assert.ok((of('not_signed')?.refused?.count ?? 0) >= 2)
  assert.deepEqual(listed.filter(({ refused }) => !refused).length, 2)
  assert.ok(!JSON.stringify(listed).includes(secret))
  const answer = await fetch(`${narwhal.url}/metrics`, { headers: bearer(narwhal.token) })
  assert.match(await answer.text(), /narwhal_webhooks_refused_total\{reason="not_signed"\} 102/)
})
