import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, pipelineOf, push, register, startUp } from './support/installation.ts'

test('a webhook that arrives before its commit is visible is built when it is', async () => {
  await using narwhal = await startUp({ slots: '1' })
  const files = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }
  await using source = await gitRepository({ files, serve: true })
  const registered = await register(narwhal, source.url)
  // Where it was pushed to, and not yet where it is fetched from.
  await using primary = await gitRepository({ files })
  const sha = await primary.commit({ a: '1' })
  const { body } = await push(narwhal, registered, { sha, ref: 'refs/heads/late' })
  const { id } = await pipelineOf(narwhal, body.eventId)
  await eventually(async () => {
    const { pipeline } = await narwhal.client.getPipeline(id)
    return /doesn't have/.test(pipeline.reason ?? '') ? pipeline : null
  })
  // Meanwhile the only slot serves others.
  const other = await narwhal.client.startPipeline({ repository: registered.id, ref: 'main' })
  assert.equal((await finished(narwhal, other.id)).pipeline.outcome, 'success')
  await source.git('fetch', '--quiet', primary.path, 'main:late')
  assert.equal((await finished(narwhal, id)).pipeline.outcome, 'success')
})
