import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from './support/github.ts'
import { finished, logText, pipelineOf, register, startUp } from './support/installation.ts'

const FILE = `
jobs:
  show:
    steps:
      - |
        print labels=[$NARWHAL_LABELS] draft=$NARWHAL_DRAFT milestone=[$NARWHAL_MILESTONE] into=$NARWHAL_TARGET_BRANCH
  browsers: { when: { label: e2e }, steps: [print ok] }
  ready: { when: { draft: false }, steps: [print ok] }
  next: { when: { expression: 'milestone == "v2" && "e2e" in labels' }, steps: [print ok] }
`

test('what is reported about a pull request decides what runs, and steps see it', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path)
  let number = 0
  const run = async (more: object) => {
    const commit = await pullCommit(source, ++number, { stamp: `${number}`, 'narwhal.yml': FILE })
    const headRepositoryId = repository.forge.id
    const payload = pullRequestPayload(repository.forge, { ...commit, headRepositoryId })
    const pull_request = { ...payload.pull_request, ...more }
    const { body } = await deliver(narwhal.agentUrl, {
      event: 'pull_request',
      payload: { ...payload, pull_request },
      secret: repository.secret,
    })
    const { id } = await pipelineOf(narwhal, body.eventId)
    const { jobs } = await finished(narwhal, id)
    const ran = jobs.filter(({ outcome }) => outcome === 'success').map(({ name }) => name)
    const [show] = jobs
    assert.ok(show)
    const reasons = jobs.flatMap(({ reason }) => reason ?? [])
    return { ran, reasons, text: await logText(narwhal, { id: show.id, attempt: 1 }) }
  }
  const labels = [{ name: 'e2e' }]
  const all = await run({ labels, draft: false, milestone: { title: 'v2' } })
  assert.deepEqual(all.ran, ['show', 'browsers', 'ready', 'next'])
  assert.equal(all.text, 'labels=[e2e] draft=false milestone=[v2] into=main')
  const none = await run({ labels: [], draft: true, milestone: null })
  assert.deepEqual(none.ran, ['show'])
  assert.equal(none.text, 'labels=[] draft=true milestone=[] into=main')
  const unknown = await run({})
  assert.deepEqual(unknown.ran, ['show'])
  assert.equal(unknown.text, 'labels=[] draft= milestone=[] into=main')
  for (const reason of unknown.reasons) assert.match(reason, /unknown|has not reported/)
})
