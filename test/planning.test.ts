import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pushPayload } from './support/github.ts'
import { finished, logText, pipelineOf, register, startUp } from './support/installation.ts'

const FILE = `
inputs: { who: { type: choice, options: [ada, bob], default: bob } }
jobs:
  code: { when: { path: 'src/**' }, steps: [{ name: s, command: 'print $NARWHAL_INPUT_WHO' }] }
  docs: { when: { path: 'docs/**' }, steps: [{ name: s, command: print docs }] }
`

test('a push runs what its changes are for, and a start by hand everything, with its inputs', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE }, serve: true })
  const before = await repository.head()
  const registered = await register(narwhal, repository.url)
  const sha = await repository.commit({ 'docs/a.md': 'a' })
  const payload = { ...pushPayload(registered.forge, { sha }), before }
  const { secret } = registered
  const reply = await deliver(narwhal.agentUrl, { event: 'push', payload, secret })
  const pushed = await finished(narwhal, (await pipelineOf(narwhal, reply.body.eventId)).id)
  assert.deepEqual(
    pushed.jobs.map(({ name, outcome, reason = '' }) => [name, outcome, reason]),
    [
      ['code', 'skipped', 'when: nothing changed in src/**'],
      ['docs', 'success', ''],
    ],
  )
  const by = { repository: registered.id, inputs: { who: 'ada' } }
  const started = await finished(narwhal, (await narwhal.client.startPipeline(by)).id)
  assert.equal(started.pipeline.outcome, 'success')
  const [code] = started.jobs
  assert.ok(code)
  assert.equal(await logText(narwhal, { id: code.id, attempt: 1 }), 'ada')
})

test('inputs that can not be end a pipeline with words', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
  const { client } = narwhal
  await client.addRepository({ name: 'ada/p', cloneUrl: repository.path, pollIntervalMs: 0 })
  const start = { repository: 'ada/p', inputs: { who: 'eve', what: 'x' } }
  const { pipeline } = await finished(narwhal, (await client.startPipeline(start)).id)
  assert.equal(pipeline.outcome, 'error')
  assert.deepEqual(
    pipeline.problems.map(({ message }) => message),
    ['inputs has no "what"', 'inputs.who can\'t be "eve": it must be one of ada, bob'],
  )
})
