import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, type Installation, startUp } from './support/installation.ts'

const step = (command: string) => [{ name: 'step', command }]

/** A pipeline of `first`, which runs, and `second`, which needs it and was cancelled meanwhile. */
async function cancelSecond(narwhal: Installation, path: string) {
  await narwhal.client.addRepository({ name: 'ada/project', cloneUrl: path, pollIntervalMs: 0 })
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/project' })
  const [first, second] = await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs[0]?.status === 'running' ? jobs : null
  })
  assert.ok(first && second)
  assert.equal((await narwhal.client.cancelJob(second.id)).outcome, 'cancelled')
  return { id, first, second }
}

test('a job that runs can not be run again, and what was cancelled after it stays so', async () => {
  await using narwhal = await startUp()
  const jobs = {
    first: { steps: step('sleep 60000') },
    second: { needs: ['first'], steps: step('print x') },
  }
  await using repository = await gitRepository({
    files: { 'narwhal.yml': JSON.stringify({ jobs }) },
  })
  const { id, first } = await cancelSecond(narwhal, repository.path)
  await assert.rejects(narwhal.client.rerunJob(first.id), { code: 'conflict' })
  const { jobs: after } = await narwhal.client.getPipeline(id)
  assert.deepEqual([after[1]?.outcome, after[1]?.attempt], ['cancelled', 1])
})

test('a job that is run again waits for what it needs', async () => {
  await using narwhal = await startUp()
  const jobs = {
    first: { steps: step('sleep 1000') },
    second: { needs: ['first'], steps: step('print x') },
  }
  await using repository = await gitRepository({
    files: { 'narwhal.yml': JSON.stringify({ jobs }) },
  })
  const { id, second } = await cancelSecond(narwhal, repository.path)
  await narwhal.client.rerunJob(second.id)
  const ended = await finished(narwhal, id)
  assert.equal(ended.pipeline.outcome, 'success')
  const [first, last] = ended.jobs
  assert.equal(last?.attempt, 2)
  assert.ok((last.startedAt ?? 0) >= (first?.finishedAt ?? Number.POSITIVE_INFINITY))
})

test('what failed runs again with what needs it, and nothing else does', async () => {
  await using narwhal = await startUp()
  const jobs = {
    good: { steps: step('print x') },
    bad: { steps: step('exit 1') },
    slow: { allow_failure: true, steps: step('exit 2') },
    after: { needs: ['good', 'bad'], steps: step('print x') },
    never: { when: { event: 'tag' }, steps: step('print x') },
  }
  await using repository = await gitRepository({
    files: { 'narwhal.yml': JSON.stringify({ jobs }) },
  })
  const { client } = narwhal
  await client.addRepository({ name: 'ada/p', cloneUrl: repository.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/p' })
  await finished(narwhal, id)
  await client.rerunFailed(id)
  const ended = await eventually(async () => {
    const { pipeline, jobs: now } = await client.getPipeline(id)
    return pipeline.status === 'finished' && now[3]?.attempt === 2 ? now : null
  })
  const attempts = ended.map(({ name, attempt, outcome }) => `${name} ${attempt} ${outcome}`)
  assert.deepEqual(attempts, [
    'good 1 success',
    'bad 2 failure',
    'slow 2 failure',
    'after 2 skipped',
    'never 1 skipped',
  ])
  assert.equal(ended[1]?.attempts[0]?.outcome, 'failure')
})

test('where nothing failed there is nothing to run again', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: { 'narwhal.yml': 'steps: [print x]' } })
  const { client } = narwhal
  await client.addRepository({ name: 'ada/p', cloneUrl: repository.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/p' })
  await finished(narwhal, id)
  await assert.rejects(client.rerunFailed(id), { code: 'conflict' })
})
