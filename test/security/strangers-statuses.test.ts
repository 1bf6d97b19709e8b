import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import { finished, pipelineOf, register, startUp } from '../support/installation.ts'
import { statusForge } from '../support/status-forge.ts'

const file = (jobs: object): string => JSON.stringify({ jobs })
const pass = { steps: ['print ok'] }
const fail = { steps: ['exit 1'] }

test('SEC-14: a stranger’s pipeline that runs nothing, or whose own file skips a job or lets it fail, is not reported as success', async () => {
  await using forge = await statusForge()
  const own = file({ test: pass, lint: { ...pass, allow_failure: true } })
  await using source = await gitRepository({ files: { 'narwhal.yml': own } })
  await using narwhal = await startUp({ userRequests: 'private' })
  const repository = await register(narwhal, source.path, { name: 'ada/judged' })
  await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
  await narwhal.client.linkForge(repository.id, {
    forge: 'github',
    apiUrl: forge.url,
    project: 'ada/judged',
    token: 'a-token-of-the-forge',
    isUnchecked: true,
  })
  let number = 0
  const pull = async (text: string | null, headRepositoryId = 999) => {
    const files = { 'narwhal.yml': text, stamp: `${++number}` }
    const commit = await pullCommit(source, number, files)
    const payload = pullRequestPayload(repository.forge, { ...commit, headRepositoryId })
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    const { pipeline } = await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
    // The final status: earlier ones are superseded.
    const last = await eventually(() => {
      const ofCommit = forge.taken.filter(({ path }) => path.endsWith(commit.sha))
      const words = ofCommit.at(-1)?.body['description'] ?? ''
      return /^pipeline \d+(?: succeeded| skipped|:)/.test(words) ? (ofCommit.at(-1) ?? null) : null
    })
    const { state = '', description = '' } = last.body
    return { outcome: pipeline.outcome, state, description }
  }
  const skipped = { ...pass, when: { branch: 'nonexistent' } }

  assert.partialDeepStrictEqual(await pull(file({ test: skipped })), {
    outcome: 'skipped',
    state: 'pending',
  })
  const without = await pull(file({ lint: pass }))
  assert.partialDeepStrictEqual(without, { outcome: 'success', state: 'failure' })
  assert.match(without.description, /: missing: job test$/)
  const lax = await pull(file({ test: { ...fail, allow_failure: true }, lint: pass }))
  assert.partialDeepStrictEqual(lax, { outcome: 'success', state: 'failure' })
  assert.match(lax.description, /job test failed, which only its own file allows/)

  // Nor is one without any file.
  const none = await pull(null)
  assert.partialDeepStrictEqual(none, { outcome: 'skipped', state: 'pending' })
  assert.match(none.description, /: missing: job test, lint$/)

  // What the target's own file allows to fail, and a file that requires everything that it requires.
  const fair = file({ test: pass, lint: { ...fail, allow_failure: true }, more: pass })
  assert.partialDeepStrictEqual(await pull(fair), { outcome: 'success', state: 'success' })
  // Authors with write access may change what is required.
  const ours = await pull(file({ test: skipped }), repository.forge.id)
  assert.partialDeepStrictEqual(ours, { outcome: 'skipped', state: 'success' })
  assert.match(ours.description, /skipped: no job in narwhal\.yml runs for this commit: /)
  // Unless the repository requires that something has run.
  await narwhal.client.changeRepository(repository.id, { skippedIsOpen: true })
  assert.partialDeepStrictEqual(await pull(file({ test: skipped }), repository.forge.id), {
    outcome: 'skipped',
    state: 'pending',
  })
})
