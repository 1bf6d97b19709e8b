import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { z } from 'zod'
import {
  accepted,
  attemptList,
  changedJob,
  createdToken,
  errorBody,
  logPage,
  pipelineList,
  pipelineWithJobs,
  queueList,
  registeredRepository,
  repositoryList,
  runnerList,
  sampleList,
  shownAttempt,
  shownRunner,
  startedPipeline,
  statusBody,
  stepList,
  tokenList,
} from '../src/contract/rest.ts'
import { logLine, repositoryView } from '../src/contract/views.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { type Installation, startUp } from './support/installation.ts'
import { startRunnerProcess } from './support/runner-process.ts'
import { tempDir } from './support/temp-dir.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** Calls the API and holds the answer against its schema. */
function asker({ url }: Pick<Installation, 'url'>) {
  return async <Schema extends z.ZodType>(
    call: string,
    status: number,
    schema: Schema,
    body?: unknown,
  ): Promise<z.output<Schema>> => {
    const [method = '', path = ''] = call.split(' ')
    const sent = body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(body) }
    const response = await fetch(`${url}/api/v1${path}`, { method, ...sent })
    const text = await response.text()
    assert.equal(response.status, status, `${call}: ${text}`)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    return schema.parse(JSON.parse(text))
  }
}

const FILE = {
  'narwhal.yml': JSON.stringify({
    jobs: {
      talk: { steps: [{ name: 'speak', command: 'print one\nprint-error two\nflood 100' }] },
      fail: { needs: ['talk'], steps: [{ name: 'break', command: 'exit 3' }] },
      wait: { labels: ['nobody'], steps: [{ name: 'never', command: 'print x' }] },
    },
  }),
}

test('every answer of the API is as its schema says', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const ask = asker(narwhal)

  await ask('GET /status', 200, statusBody)
  const body = { name: 'ada/tour', cloneUrl: repository.path, pollIntervalMs: 0, forge: 'github' }
  const { repository: registered, webhook } = await ask(
    'POST /repositories',
    201,
    registeredRepository,
    body,
  )
  assert.ok(webhook?.secret)
  assert.equal((await ask('GET /repositories', 200, repositoryList)).repositories.length, 1)
  for (const name of [registered.id, 'ada%2Ftour']) {
    assert.deepEqual(await ask(`GET /repositories/${name}`, 200, repositoryView), registered)
  }

  const start = { repository: 'ada/tour', ref: 'main' }
  const { pipeline } = await ask('POST /pipelines', 201, startedPipeline, start)
  const path = `/pipelines/${pipeline.id}`
  const { jobs } = await eventually(async () => {
    const shown = await ask(`GET ${path}`, 200, pipelineWithJobs)
    const outcomes = shown.jobs.map(({ name, outcome, status }) => [name, outcome ?? status])
    assert.deepEqual(Object.fromEntries(outcomes), {
      talk: 'success',
      fail: 'failure',
      wait: 'queued',
    })
    return shown
  })
  const [talk, fail, wait] = ['talk', 'fail', 'wait'].map((name) => {
    const job = jobs.find((one) => one.name === name)
    assert.ok(job)
    return job.id
  })

  const { jobs: queue } = await ask('GET /queue', 200, queueList)
  assert.deepEqual(
    queue.map(({ jobId, position }) => [jobId, position]),
    [[wait, 1]],
  )
  assert.match(queue[0]?.reason ?? '', /nobody/)

  const { job } = await ask(`GET /jobs/${talk}`, 200, changedJob)
  assert.deepEqual(
    (await ask(`GET /jobs/${talk}/attempts`, 200, attemptList)).attempts,
    job.attempts,
  )
  const attempt = `/jobs/${talk}/attempts/1`
  assert.deepEqual((await ask(`GET ${attempt}`, 200, shownAttempt)).attempt, job.attempts[0])
  assert.deepEqual((await ask(`GET ${attempt}/steps`, 200, stepList)).steps, job.attempts[0]?.steps)
  await checkLog(narwhal, attempt)

  const { job: again } = await ask(`POST /jobs/${fail}/rerun`, 200, changedJob)
  assert.equal(again.attempt, 2)
  const { job: cancelled } = await ask(`POST /jobs/${wait}/cancel`, 200, changedJob, {
    reason: 'enough',
  })
  assert.deepEqual([cancelled.outcome, cancelled.reason], ['cancelled', 'enough'])
  const { pipeline: rerun } = await ask(`POST ${path}/rerun`, 201, startedPipeline)
  assert.equal(rerun.rerunOf, pipeline.id)
  await ask(`POST /pipelines/${rerun.id}/cancel`, 200, startedPipeline)

  await checkRunners(narwhal)
  const { id, token } = await ask('POST /tokens', 201, createdToken, { name: 'tour' })
  const list = await ask('GET /tokens', 200, tokenList)
  assert.deepEqual(
    list.tokens.map((one) => one.id),
    [id],
  )
  await ask('POST /session', 200, accepted, { token })
  await ask('DELETE /session', 200, accepted)
  await ask(`DELETE /tokens/${id}`, 200, accepted)
  await ask('DELETE /repositories/ada%2Ftour', 200, accepted)
  assert.deepEqual((await ask('GET /repositories', 200, repositoryList)).repositories, [])
  await ask(`GET ${path}`, 200, pipelineWithJobs)
})

async function checkLog({ url }: Installation, attempt: string): Promise<void> {
  const ask = asker({ url })
  const whole = await ask(`GET ${attempt}/log?limit=1000`, 200, logPage)
  assert.equal(whole.complete, true)
  const texts = whole.lines.filter(({ stream }) => stream !== 'narwhal').map(({ text }) => text)
  const counted = Array.from({ length: 100 }, (_, i) => `line ${i + 1}`)
  assert.deepEqual(texts, ['one', 'two', ...counted])
  const range = await ask(`GET ${attempt}/log?from=10&limit=5`, 200, logPage)
  assert.equal(range.complete, false)
  assert.deepEqual(range.lines, whole.lines.slice(10, 15))
  const past = await ask(`GET ${attempt}/log?from=100000`, 200, logPage)
  assert.deepEqual(past, { lines: [], complete: true })

  const text = await fetch(`${url}/api/v1${attempt}/log.txt`)
  assert.match(text.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(await text.text(), whole.lines.map((line) => `${line.text}\n`).join(''))
  const follow = await fetch(`${url}/api/v1${attempt}/log/follow?from=3`)
  assert.match(follow.headers.get('content-type') ?? '', /^application\/x-ndjson/)
  const lines = (await follow.text()).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => logLine.parse(JSON.parse(line))),
    whole.lines.slice(3),
  )
}

async function checkRunners(narwhal: Installation): Promise<void> {
  const ask = asker(narwhal)
  const body = { name: 'far', url: 'http://127.0.0.1:1', token: 'a secret of it' }
  const { runner } = await ask('POST /runners', 201, shownRunner, body)
  assert.ok(!JSON.stringify(await ask('GET /runners/far', 200, shownRunner)).includes(body.token))
  const { runners } = await ask('GET /runners', 200, runnerList)
  assert.equal(runners.length, 2)
  const near = runners.find(({ id }) => id !== runner.id)
  assert.ok(near)
  assert.equal(
    (await ask(`POST /runners/${near.id}/drain`, 200, shownRunner)).runner.state,
    'draining',
  )
  assert.equal(
    (await ask(`POST /runners/${near.name}/resume`, 200, shownRunner)).runner.state,
    'online',
  )
  await eventually(async () => {
    const { samples } = await ask(`GET /runners/${near.id}/samples?points=1`, 200, sampleList)
    assert.equal(samples.length, 1)
  })
  await ask('DELETE /runners/far', 200, accepted)
}

test('each filter of the pipelines lets through what it says', async () => {
  await using narwhal = await startUp()
  await using repository = await gitRepository({ files: FILE })
  const ask = asker(narwhal)
  const register = { cloneUrl: repository.path, pollIntervalMs: 0 }
  for (const name of ['ada/one', 'bob/two'])
    await ask('POST /repositories', 201, registeredRepository, { ...register, name })
  const start = async (repositoryName: string, ref: string): Promise<string> => {
    const request = { repository: repositoryName, ref }
    return (await ask('POST /pipelines', 201, startedPipeline, request)).pipeline.id
  }
  const first = await start('ada/one', 'main')
  await repository.branch('feature')
  const broken = { 'narwhal.yml': 'steps: 1' }
  const sha = await repository.commit(broken, 'Break 100% of it')
  const second = await start('ada/one', 'feature')
  const third = await start('bob/two', 'feature')
  const find = async (query: string): Promise<string[]> => {
    const { pipelines } = await ask(`GET /pipelines?${query}`, 200, pipelineList)
    return pipelines.map(({ id }) => id)
  }
  await eventually(async () => assert.deepEqual(await find('status=finished'), [third, second]))
  const cases: Record<string, string[]> = {
    '': [third, second, first],
    'limit=1': [third],
    [`before=${third}`]: [second, first],
    [`before=${third}&limit=1`]: [second],
    'repository=ada/one': [second, first],
    'status=running': [first],
    'status=pending': [],
    'outcome=error': [third, second],
    'outcome=success': [],
    'outcome=error&repository=bob%2Ftwo': [third],
    'ref=main': [first],
    'ref=refs/heads/feature': [third, second],
    'kind=manual': [third, second, first],
    'kind=push': [],
    'author=Ada': [third, second, first],
    'author=Bob': [],
    'text=break': [third, second],
    'text=100%25': [third, second],
    'text=%25': [third, second],
    'text=_': [],
    [`text=${sha.slice(0, 12)}`]: [third, second],
  }
  for (const [query, expected] of Object.entries(cases)) {
    assert.deepEqual(await find(query), expected, query)
  }
})

test('every error has the one form, with words', async () => {
  await using narwhal = await startUp()
  const ask = asker(narwhal)
  const expect = async (call: string, status: number, code: string, body?: unknown) => {
    const answer = await ask(call, status, errorBody, body)
    assert.equal(answer.code, code, call)
    assert.ok(answer.message.length > 5, call)
    return answer
  }
  for (const call of [
    'GET /nothing',
    'PUT /pipelines',
    'GET /pipelines/pipeline_1',
    'GET /jobs/job_1',
    'GET /jobs/job_1/attempts',
    'GET /jobs/job_1/attempts/1',
    'GET /jobs/job_1/attempts/1/log',
    'GET /jobs/job_1/attempts/1/log.txt',
    'GET /jobs/job_1/attempts/1/log/follow',
    'GET /repositories/no%2Fbody',
    'GET /pipelines?repository=no/body',
    'GET /runners/nobody',
    'GET /runners/nobody/samples',
    'POST /pipelines/pipeline_1/rerun',
    'POST /pipelines/pipeline_1/cancel',
    'POST /jobs/job_1/rerun',
    'POST /jobs/job_1/cancel',
    'POST /runners/nobody/drain',
    'DELETE /runners/nobody',
    'DELETE /repositories/nobody',
    'DELETE /tokens/token_1',
  ]) {
    await expect(call, 404, 'not_found')
  }
  for (const call of [
    'GET /pipelines/1',
    'GET /jobs/../1',
    'GET /pipelines?limit=0',
    'GET /pipelines?limit=501',
    'GET /pipelines?status=done',
    'GET /jobs/job_1/attempts/0',
    'GET /jobs/job_1/attempts/x/log',
    'GET /jobs/job_1/attempts/1/log?from=-1',
    'DELETE /tokens/x',
  ].filter((call) => !call.includes('..'))) {
    const { problems } = await expect(call, 400, 'invalid')
    assert.ok((problems?.length ?? 0) > 0, call)
  }
  const { problems } = await expect('POST /repositories', 400, 'invalid', { name: 'a b', more: 1 })
  assert.ok((problems?.length ?? 0) >= 3, JSON.stringify(problems))
  await expect('POST /tokens', 400, 'invalid', {})
  await expect('POST /runners', 400, 'invalid', { name: 'x', url: 'ftp://x' })
  await expect('POST /pipelines', 404, 'not_found', { repository: 'no/body' })
  const send = (body: string, headers: Record<string, string> = JSON_TYPE): Promise<Response> =>
    fetch(`${narwhal.url}/api/v1/pipelines`, { method: 'POST', headers, body })
  for (const [response, status] of [
    [await send('{"a":'), 400],
    [await send(''), 400],
    [await send('x=1', { 'content-type': 'application/x-www-form-urlencoded' }), 415],
    [await send(`"${'x'.repeat(1024 * 1024)}"`), 413],
  ] as const) {
    assert.equal(response.status, status)
    errorBody.parse(await response.json())
  }
})

test('following a log that is still written shows its lines before the job ends', async () => {
  await using gate = await tempDir()
  const go = gate.join('go')
  const command = `echo first; until [ -e ${go} ]; do sleep 0.05; done; echo last`
  const job = { labels: ['far'], steps: [{ name: 'step', command }] }
  const files = { 'narwhal.yml': JSON.stringify({ jobs: { job } }) }
  await using repository = await gitRepository({ files })
  await using narwhal = await startUp()
  await using runner = await startRunnerProcess({ name: 'far', labels: 'far' })
  const { client } = narwhal
  await client.addRunner({ name: 'far', url: runner.url })
  await client.addRepository({ name: 'ada/x', cloneUrl: repository.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/x' })
  const { jobs } = await eventually(async () => {
    const shown = await client.getPipeline(id)
    return shown.jobs.some(({ status }) => status === 'running') ? shown : null
  })
  const jobId = jobs[0]?.id
  assert.ok(jobId)
  const heard: string[] = []
  for await (const { stream, text } of client.followLog({ jobId, attempt: 1 }, 0)) {
    if (stream === 'narwhal') continue
    heard.push(text)
    if (text !== 'first') continue
    assert.equal((await client.getJob(jobId)).status, 'running')
    await writeFile(go, '')
  }
  assert.deepEqual(heard, ['first', 'last'])
  assert.equal((await client.getJob(jobId)).outcome, 'success')
})
