import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import { finished, pipelineOf, push, register, startUp } from '../support/installation.ts'

const SECRETS = ['hunter4-private', 'hunter5-private']
const VALUES = `api_key: "${SECRETS[0]}"\npassword: ${SECRETS[1]}\n`
const SHARED = JSON.stringify({ jobs: { shared: { steps: ['print shared'] } } })

test('SEC-13: messages reveal no line of another repository’s file, and a stranger’s file can’t include one', async () => {
  await using values = await gitRepository({ files: { 'values.yml': VALUES, 'ci.yml': SHARED } })
  await using open = await gitRepository({ files: { 'ci.yml': SHARED } })
  const include = (path: string): string =>
    JSON.stringify({ include: [path], jobs: { own: { steps: ['print own'] } } })
  await using source = await gitRepository({
    files: { 'narwhal.yml': include('acme/priv@main:values.yml') },
  })
  await using narwhal = await startUp({
    includeRepositories: 'acme/priv,acme/open',
    strangerIncludes: 'acme/open',
  })
  await register(narwhal, values.path, { name: 'acme/priv' })
  await register(narwhal, open.path, { name: 'acme/open' })
  const repository = await register(narwhal, source.path, { name: 'ada/curious' })
  await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })

  const own = await push(narwhal, repository, { sha: await source.head() })
  const told = await finished(narwhal, (await pipelineOf(narwhal, own.body.eventId)).id)
  const { problems } = told.pipeline
  assert.ok(problems.length > 0)
  const inOther = problems.filter(({ file }) => file === 'acme/priv@main:values.yml')
  assert.ok(inOther.length > 0)
  assert.ok(inOther.every(({ excerpt, line }) => excerpt === '' && line > 0))
  for (const secret of SECRETS) assert.ok(!JSON.stringify(told).includes(secret), secret)

  let number = 0
  const pull = async (file: string) => {
    const { sha } = await pullCommit(source, ++number, { 'narwhal.yml': file, stamp: `${number}` })
    const payload = pullRequestPayload(repository.forge, { number, sha, headRepositoryId: 999 })
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }
  // Not even a valid one: it would be returned as the plan that was run.
  for (const path of ['acme/priv@main:values.yml', 'acme/priv@main:ci.yml']) {
    const { pipeline, jobs } = await pull(include(path))
    assert.deepEqual(jobs, [])
    assert.match(
      pipeline.problems[0]?.message ?? '',
      /the operator allows no includes from acme\/priv by a stranger \(stranger-includes\)/,
    )
  }
  const { jobs } = await pull(include('acme/open@main:ci.yml'))
  assert.deepEqual(jobs.map(({ name }) => name).toSorted(), ['own', 'shared'])
})
