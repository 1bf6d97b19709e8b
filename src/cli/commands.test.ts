import assert from 'node:assert/strict'
import { mkdir, realpath } from 'node:fs/promises'
import { test } from 'node:test'
import { type FakeNarwhal, fakeNarwhal } from '#root/test/support/cli/fake-narwhal.ts'
import {
  type RecordedIo,
  type RecordedIoOptions,
  recordedIo,
} from '#root/test/support/cli/recorded-io.ts'
import {
  aJob,
  anAttempt,
  aPipeline,
  aRepository,
  aRunner,
  aStep,
  NOON,
} from '#root/test/support/cli/views.ts'
import { freePort } from '#root/test/support/free-port.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { addClientCommands } from './commands.ts'
import { createProgram, runProgram } from './program.ts'

/** Runs one command against a server; `exit` is 0 when none was set, as the process does. */
async function run(
  server: string,
  line: string | string[],
  options: RecordedIoOptions = {},
): Promise<RecordedIo & { out: string; err: string; code: number }> {
  const env = { NARWHAL_SERVER: server, ...options.env }
  const io = recordedIo({ now: () => NOON + 60_000, ...options, env })
  const program = createProgram(io, '0.1.0')
  addClientCommands(program, io)
  await runProgram(program, typeof line === 'string' ? line.split(' ') : line, io)
  return Object.assign(io, {
    out: io.stdout.text,
    err: io.stderr.text,
    code: io.exitCode ?? 0,
  })
}

async function filled(): Promise<FakeNarwhal> {
  const fake = await fakeNarwhal()
  const done = { status: 'finished', startedAt: NOON } as const
  const steps = [
    aStep(0, 'install', { ...done, outcome: 'success', finishedAt: NOON + 1500 }),
    aStep(1, 'test', { ...done, outcome: 'failure', exitCode: 2, finishedAt: NOON + 3000 }),
    aStep(2, 'publish', { status: 'finished', outcome: 'skipped' }),
  ]
  fake.repositories.push(aRepository())
  fake.pipelines.push(
    aPipeline({ status: 'finished', outcome: 'failure', finishedAt: NOON + 4000 }),
    aPipeline({ id: 'pipeline_0', number: 11 }),
  )
  fake.jobs.push(
    aJob('build', steps, {
      ...done,
      outcome: 'failure',
      finishedAt: NOON + 3500,
      attempts: [anAttempt(steps, { status: 'finished', outcome: 'failure' })],
    }),
    aJob('deploy', [aStep(0, 'ship')], { status: 'blocked', attempts: [], startedAt: undefined }),
  )
  fake.runners.push(aRunner())
  fake.queue.push({
    jobId: 'job_deploy',
    pipelineId: 'pipeline_1',
    repositoryName: 'team/app',
    name: 'deploy',
    position: 1,
    queuedAt: NOON,
    reason: 'no runner has the label gpu',
  })
  return fake
}

test('lists repositories, pipelines, runners and the queue as aligned tables', async () => {
  await using fake = await filled()
  const outputs = []
  for (const line of ['repo list', 'pipeline list', 'runner list', 'queue', 'token list']) {
    const { out, err, code } = await run(fake.url, line)
    assert.deepEqual([err, code], ['', 0])
    outputs.push(out)
  }
  assert.equal(
    outputs.join('\n'),
    `NAME      FORGE  POLLED    URL                                   ID
team/app  git    every 1m  https://git.example.com/team/app.git  repo_1

PIPELINE     STATUS   BY    REF   COMMIT      TITLE         AUTHOR  TOOK        CREATED
team/app#12  failure  push  main  1a2b3c4d5e  Fix the flux  Ada     4.0 s       1 min ago
team/app#11  running  push  main  1a2b3c4d5e  Fix the flux  Ada     1 min 00 s  1 min ago

RUNNER   STATE   BUSY  ENGINES  LABELS       LINK                  SEEN       ABOUT
build-1  online  1/4   docker   linux,amd64  http://10.0.0.5:4750  1 min ago

#  REPOSITORY  JOB     WAITS       BECAUSE                      ID
1  team/app    deploy  1 min 00 s  no runner has the label gpu  job_deploy

TOKEN    NAME    CREATED
token_1  laptop  1 min ago
`,
  )
})

test('prints the API JSON as one document with --json', async () => {
  await using fake = await filled()
  const read = async (line: string) => JSON.parse((await run(fake.url, `${line} --json`)).out)
  assert.deepEqual(await read('repo list'), { repositories: fake.repositories })
  assert.deepEqual(await read('pipeline list'), { pipelines: fake.pipelines })
  assert.deepEqual(await read('runner list'), { runners: fake.runners })
  assert.deepEqual(await read('queue'), { jobs: fake.queue })
  const shown = await read('pipeline show team/app#12')
  assert.deepEqual(shown.jobs, JSON.parse(JSON.stringify(fake.jobs)))
  assert.equal(shown.seq, 100)
})

test('shows one pipeline with its jobs, steps and reasons', async () => {
  await using fake = await filled()
  const { out } = await run(fake.url, 'pipeline show team/app#12')
  assert.equal(
    out.replace(/created .*/, 'created   X'),
    `team/app#12
  status    failure
  name      app
  commit    1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d on main
  title     Fix the flux
  author    Ada
  from      push (webhook)
  created   X
  took      4.0 s
  id        pipeline_1

JOB          STATUS   RUNNER   TOOK   ABOUT
✖ build      failure  build-1  3.5 s  job_build
  ✔ install  success           1.5 s
  ✖ test     failure           3.0 s  exit code 2
  ○ publish  skipped
· deploy     blocked                  job_deploy
  · ship     waiting
`,
  )
})

test('finds a pipeline by its number behind the first page, or says there is none', async () => {
  await using fake = await filled()
  const many = Array.from({ length: 1100 }, (_, index) =>
    aPipeline({ id: `pipeline_n${index}`, number: 1100 - index }),
  )
  fake.pipelines.splice(0, 2, ...many)
  const { out } = await run(fake.url, 'pipeline show team/app#7 --json')
  assert.equal(JSON.parse(out).pipeline.number, 7)
  const missing = await run(fake.url, 'pipeline show team/app#2000')
  assert.equal(missing.code, 3)
  assert.match(missing.err, /there is no pipeline team\/app#2000/)
})

test('tells usage errors, missing things, missing rights and a missing server apart', async () => {
  await using fake = await filled()
  const away = `http://127.0.0.1:${await freePort()}`
  const cases: [string, number, RegExp][] = [
    ['pipline list', 2, /unknown command 'pipline'\n\(Did you mean pipeline\?\)/],
    ['pipeline lst', 2, /Did you mean list\?/],
    ['pipeline list --outcom success', 2, /Did you mean --outcome\?/],
    ['pipeline show', 2, /missing required argument/],
    ['pipeline show 12', 2, /names no pipeline: write its id, or like owner\/name#12/],
    ['pipeline list --limit 0', 2, /--limit takes a whole number/],
    ['pipeline start --follow --json', 2, /cannot be used with/],
    ['repo', 2, /Usage: narwhal repo/],
    ['repo add ./nothing-here', 2, /there is no folder/],
    ['repo add https://example.com/a/b --poll never', 2, /is no duration/],
    ['repo list --server example.com', 2, /is no server's URL/],
    ['pipeline show pipeline_x', 3, /there is no pipeline pipeline_x/],
    ['logs job_x', 3, /there is no job job_x/],
    ['logs team/app#12 --job nope', 3, /no job "nope"; its jobs: build, deploy/],
    [`queue --server ${away}`, 5, /no Narwhal answers at .*: start it with `narwhal up`, or name/],
    ['repo add https://git.example.com/team/app.git', 6, /already/],
  ]
  for (const [line, exit, words] of cases) {
    const result = await run(fake.url, line)
    assert.match(result.err, words, line)
    assert.equal(result.code, exit, line)
    assert.equal(result.out, '', line)
  }
  assert.equal((await run(fake.url, '--help')).code, 0)
  assert.equal((await run(fake.url, 'pipeline start --help')).code, 0)
})

test('sends the token of --token or NARWHAL_TOKEN, and says how to give one', async () => {
  await using fake = await filled()
  fake.token = 'nwl_right'
  const none = await run(fake.url, 'queue')
  assert.deepEqual([none.code, none.out], [4, ''])
  assert.match(none.err, /needs a token \(give a token with --token or NARWHAL_TOKEN\)/)
  assert.equal((await run(fake.url, 'queue --token nwl_right')).code, 0)
  assert.equal((await run(fake.url, 'queue', { env: { NARWHAL_TOKEN: 'nwl_right' } })).code, 0)
  assert.equal((await run(fake.url, 'queue --token nwl_wrong')).code, 4)
})

test('registers a repository of GitHub and says what to enter there', async () => {
  await using fake = await filled()
  const { out, err } = await run(fake.url, 'repo add https://github.com/octocat/hello --poll off')
  assert.equal(
    out,
    `registered octocat/hello (https://github.com/octocat/hello), webhooks only

Enter this at https://github.com/octocat/hello/settings/hooks/new, as its admin:
  Payload URL   ${fake.url}/webhooks/github
  Content type  application/json
  Secret        s3cret
  Events        Pushes, Pull requests, Branch or tag creation
GitHub can't reach ${fake.url}: put this server's public address in its place.
`,
  )
  assert.match(err, /narwhal pipeline start octocat\/hello --follow/)
})

test('registers the working directory by its absolute path, and starts its pipelines', async () => {
  await using fake = await filled()
  await using dir = await tempDir()
  await mkdir(dir.join('here', '.git'), { recursive: true })
  const here = await realpath(dir.join('here'))
  await run(fake.url, 'repo add .', { cwd: here })
  assert.equal(fake.repositories.at(-1)?.cloneUrl, here)
  assert.equal(fake.repositories.at(-1)?.name, 'here')
  const started = await run(fake.url, 'pipeline start --ref main', { cwd: here })
  assert.equal(started.out, 'started team/app#12 (pipeline_1)\n')
  assert.equal(fake.requests.at(-1), 'POST /api/v1/pipelines {"repository":"repo_9","ref":"main"}')
  const unclear = await run(fake.url, 'pipeline start', { cwd: dir.path })
  assert.equal(unclear.code, 2)
  assert.match(unclear.err, /which repository\? Name one of: team\/app, here/)
})

test('starts a pipeline of the only repository there is', async () => {
  await using fake = await filled()
  await run(fake.url, 'pipeline start')
  assert.equal(fake.requests.at(-1), 'POST /api/v1/pipelines {"repository":"repo_1"}')
  fake.repositories.length = 0
  assert.match((await run(fake.url, 'pipeline start')).err, /add one with `narwhal repo add/)
})

test('sends each command to its route', async () => {
  await using fake = await filled()
  const cases: [string | string[], string][] = [
    ['repo remove team/app', 'DELETE /api/v1/repositories/team%2Fapp'],
    ['pipeline rerun team/app#12', 'POST /api/v1/pipelines/pipeline_1/rerun'],
    ['pipeline rerun pipeline_1 --job build', 'POST /api/v1/jobs/job_build/rerun'],
    ['pipeline cancel pipeline_1', 'POST /api/v1/pipelines/pipeline_1/cancel {}'],
    [
      ['pipeline', 'cancel', 'pipeline_1', '--job', 'build', '--reason', 'it hangs'],
      'POST /api/v1/jobs/job_build/cancel {"reason":"it hangs"}',
    ],
    [
      'runner add farm http://10.0.0.5:4750 --balanced --runner-token t',
      'POST /api/v1/runners {"name":"farm","url":"http://10.0.0.5:4750","balanced":true,"token":"t"}',
    ],
    ['runner remove farm', 'DELETE /api/v1/runners/farm'],
    ['runner drain farm', 'POST /api/v1/runners/farm/drain'],
    ['runner resume farm', 'POST /api/v1/runners/farm/resume'],
    ['token create laptop', 'POST /api/v1/tokens {"name":"laptop"}'],
    ['token remove token_2', 'DELETE /api/v1/tokens/token_2'],
  ]
  for (const [line, request] of cases) {
    assert.equal((await run(fake.url, line)).code, 0, String(line))
    assert.equal(fake.requests.at(-1), request)
  }
  assert.equal((await run(fake.url, 'token create x')).out, 'nwl_secret\n')
})

test('lets no hostile title, branch, author or reason reach the terminal as it is', async () => {
  await using fake = await filled()
  const evil = 'x\x1b]0;owned\x07\x1b[2J\u202e\u009b1A\r\n'
  const { event } = aPipeline()
  fake.pipelines[0] = aPipeline({
    status: 'finished',
    outcome: 'error',
    reason: evil,
    name: evil,
    event: { ...event, title: evil, author: evil, ref: `refs/heads/${evil}`, sha: evil },
    problems: [{ message: evil, line: 1, column: 1, excerpt: evil }],
  })
  fake.jobs[0] = aJob(evil, [aStep(0, evil, { reason: evil })], { id: 'job_x', reason: evil })
  fake.runners[0] = aRunner({ name: evil, labels: [evil], reason: evil, url: evil })
  fake.repositories[0] = aRepository({ name: evil, cloneUrl: evil })
  if (fake.queue[0]) fake.queue[0] = { ...fake.queue[0], name: evil, reason: evil }
  const lines = [
    'pipeline list',
    'pipeline list --json',
    'pipeline show pipeline_1',
    'pipeline show pipeline_1 --json',
    'runner list',
    'repo list',
    'queue',
    'pipeline cancel pipeline_1 --job nope',
    'logs pipeline_1 --job nope',
  ]
  for (const line of lines) {
    const { out, err } = await run(fake.url, line, { tty: true })
    // oxlint-disable-next-line no-control-regex
    const plain = (out + err).replaceAll(/\x1b\[[0-9;]*m/g, '')
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(plain, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/, line)
  }
})

test('says what answers is no Narwhal when it is something else', async () => {
  await using fake = await filled()
  const { err, code } = await run(`${fake.url}/elsewhere`, 'queue')
  assert.equal(code, 3)
  assert.match(err, /there is nothing at GET \/elsewhere\/api\/v1\/queue/)
})
