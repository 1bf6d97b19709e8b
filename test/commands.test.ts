import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NarwhalError } from '../src/lib/errors.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, type Installation, startUp } from './support/installation.ts'
import { tempDir } from './support/temp-dir.ts'

function fileOf(jobs: Record<string, { needs?: string[]; labels?: string[]; command: string }>): {
  'narwhal.yml': string
} {
  const plan = Object.entries(jobs).map(([name, { command, ...rest }]) => [
    name,
    { ...rest, steps: [{ name: 'step', command }] },
  ])
  return { 'narwhal.yml': JSON.stringify({ jobs: Object.fromEntries(plan) }) }
}

async function start(narwhal: Installation, path: string, ref?: string) {
  const repositories = await narwhal.client.listRepositories()
  if (!repositories.some(({ cloneUrl }) => cloneUrl === path)) {
    await narwhal.client.addRepository({ name: 'ada/project', cloneUrl: path, pollIntervalMs: 0 })
  }
  return await narwhal.client.startPipeline({ repository: 'ada/project', ...(ref ? { ref } : {}) })
}

test('a pipeline started by hand runs the ref that was named', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: fileOf({ a: { command: 'print main' } }) })
  await repository.branch('other')
  const sha = await repository.commit(fileOf({ b: { command: 'print other' } }), 'On other')
  const { id } = await start(narwhal, repository.path, 'other')
  const { pipeline, jobs } = await finished(narwhal, id)
  assert.equal(pipeline.event.sha, sha)
  assert.equal(pipeline.event.title, 'On other')
  assert.deepEqual(
    jobs.map(({ name }) => name),
    ['b'],
  )
  await assert.rejects(start(narwhal, repository.path, 'missing'), { code: 'not_found' })
  await assert.rejects(start(narwhal, repository.path, '--upload-pack=x'), { code: 'not_found' })
  await assert.rejects(start(narwhal, repository.path, '../../x'), { code: 'invalid' })
})

test('a rerun of a pipeline is a new pipeline of the same commit', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: fileOf({ a: { command: 'exit 1' } }) })
  const first = await finished(narwhal, (await start(narwhal, repository.path)).id)
  const again = await narwhal.client.rerunPipeline(first.pipeline.id)
  assert.equal(again.rerunOf, first.pipeline.id)
  assert.equal(again.event.id, first.pipeline.event.id)
  assert.equal(again.number, first.pipeline.number + 1)
  const second = await finished(narwhal, again.id)
  assert.equal(second.pipeline.outcome, 'failure')
  assert.deepEqual(
    await narwhal.client.getPipeline(first.pipeline.id).then((p) => p.pipeline),
    first.pipeline,
  )
})

test('a rerun of a job is its next attempt, and runs what needs it again', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({
    files: fileOf({
      a: { command: 'print attempt $NARWHAL_ATTEMPT' },
      b: { command: 'print b', needs: ['a'] },
      c: { command: 'print c' },
    }),
  })
  const { id } = await start(narwhal, repository.path)
  const { jobs } = await finished(narwhal, id)
  const job = jobs.find(({ name }) => name === 'a')
  assert.ok(job)
  await narwhal.client.rerunJob(job.id)
  const after = await eventually(async () => {
    const found = await narwhal.client.getPipeline(id)
    const numbers = found.jobs.map(({ attempts }) => attempts.map((attempt) => attempt.number))
    const isDone = found.pipeline.status === 'finished' && numbers[0]?.length === 2
    return isDone && numbers[1]?.length === 2 ? found : null
  })
  assert.equal(after.pipeline.outcome, 'success')
  assert.deepEqual(
    after.jobs.map(({ attempts }) => attempts.length),
    [2, 2, 1],
  )
  const log = (attempt: number) =>
    narwhal.client.readLog({ jobId: job.id, attempt }, { from: 0, limit: 10 })
  const texts = await Promise.all([log(1), log(2)])
  assert.deepEqual(
    texts.map(({ lines }) => lines.find(({ stream }) => stream === 'stdout')?.text),
    ['attempt 1', 'attempt 2'],
  )
})

test('a cancelled job stays cancelled and what needs it is skipped', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({
    files: fileOf({
      long: { command: 'sleep 60000' },
      after: { command: 'print x', needs: ['long'] },
    }),
  })
  const { id } = await start(narwhal, repository.path)
  const long = await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs.find(({ name, status }) => name === 'long' && status === 'running') ?? null
  })
  const job = await narwhal.client.cancelJob(long.id)
  assert.equal(job.outcome, 'cancelled')
  const ended = await finished(narwhal, id)
  assert.deepEqual(
    ended.jobs.map(({ outcome }) => outcome),
    ['cancelled', 'skipped'],
  )
  await assert.rejects(narwhal.client.cancelJob(long.id), { code: 'conflict' })
})

test('a job that no runner can take waits, and the queue says why', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({
    files: fileOf({ gpu: { command: 'print x', labels: ['gpu'] } }),
  })
  const { id } = await start(narwhal, repository.path)
  const [waiting] = await eventually(async () => {
    const { jobs } = await narwhal.client.listQueue()
    return jobs.length > 0 ? jobs : null
  })
  assert.match(waiting?.reason ?? '', /gpu/)
  await narwhal.client.cancelPipeline(id)
  assert.deepEqual(await narwhal.client.listQueue(), { jobs: [], total: 0 })
})

test('a new process goes on where the former one stopped', async () => {
  await using data = await tempDir()
  await using repository = await gitRepository({
    files: fileOf({
      a: { command: 'sleep 400\nprint attempt $NARWHAL_ATTEMPT' },
      b: { command: 'print b', needs: ['a'] },
    }),
  })
  let id: `pipeline_${string}`
  {
    await using narwhal = await startUp({ data: data.path })
    id = (await start(narwhal, repository.path)).id
    await eventually(async () => {
      const { jobs } = await narwhal.client.getPipeline(id)
      return jobs.some(({ status }) => status === 'running')
    })
  }
  await using narwhal = await startUp({ data: data.path })
  const { pipeline, jobs } = await finished(narwhal, id)
  assert.equal(pipeline.outcome, 'success')
  // The runner handed it back when its process was stopped, and the next attempt did the work.
  assert.deepEqual(
    jobs[0]?.attempts.map(({ outcome }) => outcome),
    ['error', 'success'],
  )
  assert.match(jobs[0]?.attempts[0]?.reason ?? '', /handed back/)
})

test('each placement is stored with its reasons', async () => {
  await using narwhal = await startUp({ heuristic: 'cache-affinity' })
  await using repository = await gitRepository({ files: fileOf({ a: { command: 'print x' } }) })
  const { jobs } = await finished(narwhal, (await start(narwhal, repository.path)).id)
  const decision = jobs[0]?.attempts[0]?.decision
  assert.equal(decision?.heuristic, 'cache-affinity')
  assert.ok(decision.reason.length > 0)
  assert.equal(decision.considered.length, 1)
})

test('a taken port is an error that names the flag', async () => {
  await using narwhal = await startUp()
  const { port } = new URL(narwhal.url)
  await assert.rejects(startUp({ port }), (error: unknown) => {
    assert.ok(error instanceof NarwhalError)
    return /taken.*--port/.test(error.message)
  })
})

test('a repository that can not be read is refused with the words of git', async () => {
  await using narwhal = await startUp()
  const add = (cloneUrl: string) => narwhal.client.addRepository({ name: 'x/y', cloneUrl })
  await assert.rejects(add('/nowhere/at/all'), { code: 'invalid' })
  for (const url of [
    'ext::sh -c id',
    'file:///etc',
    'https://user:pw@host/x',
    '-uevil',
    'ftp://x/y',
  ]) {
    await assert.rejects(add(url), { code: 'invalid' }, url)
  }
})
