import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import {
  accepted,
  attemptList,
  changedJob,
  errorBody,
  pipelineList,
  pipelineWithJobs,
  queueList,
  runnerList,
  sampleList,
  shownAttempt,
  shownRunner,
  shownUser,
  startedPipeline,
  statusBody,
  stepList,
  userList,
} from '../src/contract/rest/rest.ts'
import { logPage } from '../src/contract/rest/rest-logs.ts'
import {
  registeredRepository,
  repositoryList,
  repositoryView,
} from '../src/contract/rest/rest-repositories.ts'
import { createdToken, tokenList } from '../src/contract/rest/rest-tokens.ts'
import { logLine } from '../src/contract/rest/views.ts'
import { waterfallView } from '../src/contract/rest/waterfall.ts'
import { asker } from './support/asker.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { type Installation, startUp } from './support/installation.ts'
import { startRunnerProcess } from './support/runner-process.ts'
import { tempDir } from './support/temp-dir.ts'
import { bearer, RUNNER_TOKEN } from './support/tokens.ts'

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
    const accounts = { strangers: [], seenBots: [] }
    const shown = await ask(`GET /repositories/${name}`, 200, repositoryView)
    assert.deepEqual(shown, { ...registered, ...accounts })
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

  const waterfall = await ask(`GET ${path}/waterfall`, 200, waterfallView)
  assert.equal(waterfall.complete, false)
  const seen = waterfall.spans.map((span) => `${span.job?.name ?? 'all'} ${span.name}`)
  for (const name of ['all queue', 'all fetch', 'all plan', 'talk checkout', 'fail report']) {
    assert.ok(seen.includes(name), `${name} is missing among ${seen.join(', ')}`)
  }
  const open = waterfall.spans.filter((span) => span.open)
  assert.deepEqual(
    open.map((span) => [span.name, span.job?.name]),
    [['place', 'wait']],
  )

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
  assert.deepEqual(
    [cancelled.outcome, cancelled.reason],
    ['cancelled', 'cancelled by admin: enough'],
  )
  const { pipeline: rerun } = await ask(`POST ${path}/rerun`, 201, startedPipeline)
  assert.equal(rerun.rerunOf, pipeline.id)
  await ask(`POST /pipelines/${rerun.id}/cancel`, 200, startedPipeline)

  await checkRunners(narwhal)
  const { user } = await ask('POST /users', 201, shownUser, { name: 'Grace H.' })
  assert.equal(user.role, 'member')
  const byName = '/users/grace%20h.'
  await ask(`PATCH ${byName}`, 200, shownUser, { role: 'admin' })
  assert.equal((await ask('GET /users', 200, userList)).users[0]?.role, 'admin')
  const { id, token } = await ask('POST /tokens', 201, createdToken, { name: 'tour' })
  const list = await ask('GET /tokens', 200, tokenList)
  assert.deepEqual(list.tokens.map((one) => one.id).slice(1), [id])
  await ask('POST /session', 200, accepted, { token })
  await ask('DELETE /session', 200, accepted)
  await ask(`DELETE /tokens/${id}`, 200, accepted)
  await ask(`DELETE ${byName}`, 200, accepted)
  assert.match((await ask('DELETE /users/admin', 409, errorBody)).message, /only administrator/)
  await ask('DELETE /repositories/ada%2Ftour', 200, accepted)
  assert.deepEqual((await ask('GET /repositories', 200, repositoryList)).repositories, [])
  await ask(`GET ${path}`, 200, pipelineWithJobs)
})

async function checkLog(narwhal: Installation, attempt: string): Promise<void> {
  const { url, token } = narwhal
  const ask = asker(narwhal)
  const headers = bearer(token)
  const whole = await ask(`GET ${attempt}/log?limit=1000`, 200, logPage)
  assert.equal(whole.complete, true)
  const texts = whole.lines.filter(({ stream }) => stream !== 'narwhal').map(({ text }) => text)
  const counted = Array.from({ length: 100 }, (_, i) => `line ${i + 1}`)
  assert.deepEqual(texts, ['one', 'two', ...counted])
  const range = await ask(`GET ${attempt}/log?from=10&limit=5`, 200, logPage)
  assert.equal(range.complete, false)
  assert.deepEqual(range.lines, whole.lines.slice(10, 15))
  const past = await ask(`GET ${attempt}/log?from=100000`, 200, logPage)
  assert.deepEqual(past, { lines: [], total: whole.lines.length, complete: true })

  const text = await fetch(`${url}/api/v1${attempt}/log.txt`, { headers })
  assert.match(text.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(await text.text(), whole.lines.map((line) => `${line.text}\n`).join(''))
  const follow = await fetch(`${url}/api/v1${attempt}/log/follow?from=3`, { headers })
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
  await client.addRunner({ name: 'far', url: runner.url, token: RUNNER_TOKEN })
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
