import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { register, startUp } from '#root/test/support/installation.ts'
import { bearer } from '#root/test/support/tokens.ts'
import { testedDelivery } from '../../contract/rest/rest-insights.ts'

test('a test delivery checks whether a URL leads to the agent with the right secret', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': 'steps: [true]' } })
  await using narwhal = await startUp()
  const { id } = await register(narwhal, source.path)
  const deliver = async (url: string, to: string = id) => {
    const response = await fetch(`${narwhal.url}/api/v1/repositories/${to}/test-delivery`, {
      method: 'POST',
      headers: { ...bearer(narwhal.token), 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    })
    assert.equal(response.status, 200, await response.clone().text())
    return testedDelivery.parse(await response.json())
  }
  const right = await deliver(`${narwhal.agentUrl}/webhooks/github/${id}`)
  assert.deepEqual(right, { ok: true, words: 'the ping arrived and its signature is valid' })
  for (const forge of ['gitea', 'gitlab'] as const) {
    const more = { name: `ada/at-${forge}`, cloneUrl: source.path, forge, pollIntervalMs: 0 }
    const { repository, webhook } = await narwhal.client.addRepository(more)
    assert.equal(webhook?.path, `/webhooks/${forge}/${repository.id}`)
    const result = await deliver(`${narwhal.agentUrl}${webhook.path}`, repository.id)
    assert.ok(result.ok, result.words)
  }
  const wrong = await deliver(`${narwhal.url}/api/v1/status`)
  assert.equal(wrong.ok, false)
  const nowhere = await deliver(`http://127.0.0.1:1/webhooks/github/${id}`)
  assert.match(nowhere.words, /at an address that users' requests may not reach/)
})
