import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliverGogs, gogsDelivery } from './support/gogs/gogs.ts'
import { type Installation, pipelineOf, startUp } from './support/installation.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

async function registerGogs({ client, agentUrl }: Installation, cloneUrl: string) {
  const { repository, webhook } = await client.addRepository({
    name: 'acme/app',
    cloneUrl,
    forge: 'gogs',
    pollIntervalMs: 0,
  })
  return { id: repository.id, url: `${agentUrl}${webhook?.path}`, secret: webhook?.secret ?? '' }
}

test('a push of Gogs is built, and a redelivery is known', async () => {
  await using narwhal = await startUp()
  await using source = await gitRepository({ files: FILE })
  const { url, secret } = await registerGogs(narwhal, source.path)
  const sha = await source.head()
  const { headers, payload } = gogsDelivery('force-back')
  const delivery = { headers, payload: { ...payload, after: sha } }
  const wrong = await deliverGogs(url, delivery, { secret: 'wrong' })
  assert.equal(wrong.status, 401)
  const id = randomUUID()
  const first = await deliverGogs(url, delivery, { secret, id })
  assert.deepEqual([first.status, first.body.status], [202, 'accepted'])
  const again = await deliverGogs(url, delivery, { secret, id })
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
