import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineWithJobs } from '../src/contract/rest/rest.ts'
import type { PipelineView } from '../src/contract/rest/views.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pullRequestPayload, pushPayload } from './support/github.ts'
import {
  finished,
  type Installation,
  pipelineOf,
  push,
  type Registered,
  register,
  startUp,
} from './support/installation.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

/** The n-th pipeline of the repository, when it has ended. */
async function ended(narwhal: Installation, number: number): Promise<PipelineWithJobs> {
  const pipeline = await eventually(
    async () => {
      const pipelines: PipelineView[] = await narwhal.client.listPipelines({ limit: 500 })
      return pipelines.find((one) => one.number === number) ?? null
    },
    { message: `pipeline #${number}`, timeoutMs: 30_000 },
  )
  return await finished(narwhal, pipeline.id)
}

/** Tells of a push by a webhook that always gives the same `before`, as a new delivery. */
async function told(narwhal: Installation, registered: Registered, sha: string): Promise<string> {
  const { body } = await push(narwhal, registered, { sha })
  return body.status ?? ''
}

test('a push back to a commit that was built is built, and replays of it are not', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const registered = await register(narwhal, repository.path)
  const first = await repository.head()
  assert.equal(await told(narwhal, registered, first), 'accepted')
  const second = await repository.commit({ 'a.txt': 'a' })
  assert.equal(await told(narwhal, registered, second), 'accepted')
  // A replay, while the branch is at the second.
  assert.equal(await told(narwhal, registered, first), 'known')
  await repository.git('reset', '--quiet', '--hard', first)
  assert.equal(await told(narwhal, registered, first), 'accepted')
  assert.equal(await told(narwhal, registered, first), 'known')
  assert.equal(await told(narwhal, registered, second), 'known')
  for (const [number, sha] of [first, second, first].entries()) {
    const { pipeline } = await ended(narwhal, number + 1)
    assert.deepEqual([pipeline.outcome, pipeline.event.sha], ['success', sha])
  }
})

test('a tag and a branch that are deleted and made again are built again, told or polled', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const registered = await register(narwhal, repository.path)
  const sha = await repository.head()
  const tell = async (ref: string, before: string, after: string): Promise<string> => {
    const payload = { ...pushPayload(registered.forge, { sha, ref }), before, after }
    const zero = '0'.repeat(40)
    const made = { created: before === zero, deleted: after === zero }
    const { secret } = registered
    const { agentUrl } = narwhal
    const { body } = await deliver(agentUrl, {
      event: 'push',
      payload: { ...payload, ...made },
      secret,
    })
    return body.status ?? ''
  }
  const zero = '0'.repeat(40)
  for (const ref of ['refs/tags/v1', 'refs/heads/topic']) {
    await repository.git('update-ref', ref, sha)
    assert.equal(await tell(ref, zero, sha), 'accepted')
    assert.equal(await tell(ref, zero, sha), 'known')
    await repository.git('update-ref', '-d', ref)
    assert.equal(await tell(ref, sha, zero), 'ignored')
    // A replay, which the git server contradicts.
    assert.equal(await tell(ref, zero, sha), 'known')
    await repository.git('update-ref', ref, sha)
    assert.equal(await tell(ref, zero, sha), 'accepted')
    assert.equal(await tell(ref, zero, sha), 'known')
  }
  await ended(narwhal, 4)

  await using other = await gitRepository({ files: FILE })
  await register(narwhal, other.path, { name: 'ada/polled', pollIntervalMs: 100 })
  const tags = async (): Promise<number> => {
    const pipelines = await narwhal.client.listPipelines({ limit: 500 })
    return pipelines.filter((one) => one.repositoryName === 'ada/polled').length
  }
  await other.git('tag', 'v1')
  await eventually(async () => (await tags()) === 1, { message: 'the tag to be built' })
  await other.git('tag', '--delete', 'v1')
  // A poll that sees another new tag has seen that this one is gone.
  await other.git('tag', 'seen')
  await eventually(async () => (await tags()) === 2, { message: 'the next poll' })
  await other.git('tag', 'v1')
  await eventually(async () => (await tags()) === 3, { message: 'the tag to be built again' })
})

test('what a superseded push has changed is tested with the next one', async () => {
  await using narwhal = await startUp()
  const file = (step: string) => ({
    'narwhal.yml': `concurrency: { group: 'c-\${ref}', policy: cancel-superseded }
jobs:
  src: { when: { path: 'src/**' }, steps: [${step}] }
  docs: { when: { path: 'docs/**' }, steps: [print docs] }
`,
  })
  await using repository = await gitRepository({ files: file('sleep 600000'), serve: true })
  const registered = await register(narwhal, repository.url)
  const move = async (files: Record<string, string>): Promise<void> => {
    const before = await repository.head()
    const sha = await repository.commit(files)
    const payload = { ...pushPayload(registered.forge, { sha }), before }
    const { agentUrl } = narwhal
    await deliver(agentUrl, { event: 'push', payload, secret: registered.secret })
  }
  await move({ 'src/a': 'a' })
  await eventually(
    async () => (await narwhal.client.listPipelines({ limit: 9 }))[0]?.status === 'running',
    { message: 'the first push to run' },
  )
  await move({ 'docs/a': 'a', ...file('print src') })
  const first = await ended(narwhal, 1)
  assert.match(first.jobs[0]?.reason ?? '', /^superseded in c-refs\/heads\/main by pipeline #2$/)
  const { pipeline, jobs } = await ended(narwhal, 2)
  assert.equal(pipeline.outcome, 'success')
  assert.deepEqual(
    jobs.map(({ name, outcome }) => `${name} ${outcome}`),
    ['src success', 'docs success'],
  )
  // That was tested: now only what has changed since counts.
  await move({ 'docs/a': 'b' })
  const third = await ended(narwhal, 3)
  assert.deepEqual(
    third.jobs.map(({ name, outcome }) => `${name} ${outcome}`),
    ['src skipped', 'docs success'],
  )
})

test('a webhook completes what a poll has found, and what it decides is planned again', async () => {
  await using narwhal = await startUp()
  const file = `jobs:
  always: { steps: [print always] }
  main: { when: { branch: main }, steps: [print main] }
  after: { needs: main, steps: [print after] }
`
  await using repository = await gitRepository({ files: { 'narwhal.yml': file }, serve: true })
  const registered = await register(narwhal, repository.url, { pollIntervalMs: 100 })
  const base = await repository.head()
  const sha = await repository.commitAside({ 'a.txt': 'a' })
  await repository.git('update-ref', 'refs/pull/7/head', sha)
  const polled = await eventually(
    async () => (await narwhal.client.listPipelines({ limit: 9 })).at(0) ?? null,
    { message: 'the poll' },
  )
  // Nothing is known of it but its commit: it waits as a stranger's.
  await eventually(
    async () => (await narwhal.client.getPipeline(polled.id)).pipeline.approval !== undefined,
    { message: 'the wait for approval' },
  )
  const opened = await deliver(narwhal.agentUrl, {
    event: 'pull_request',
    payload: pullRequestPayload(registered.forge, {
      number: 7,
      sha,
      base,
      headRepositoryId: registered.forge.id,
    }),
    secret: registered.secret,
  })
  assert.deepEqual([opened.body.status, opened.body.eventId], ['known', polled.event.id])
  const { pipeline, jobs } = await finished(narwhal, polled.id)
  assert.deepEqual([pipeline.outcome, pipeline.event.title], ['success', 'Change'])
  assert.deepEqual(
    jobs.map(({ name, outcome }) => `${name} ${outcome}`),
    ['always success', 'main success', 'after success'],
  )
  assert.equal((await narwhal.client.listPipelines({ limit: 9 })).length, 1)
  await pipelineOf(narwhal, opened.body.eventId)
})
