import assert from 'node:assert/strict'
import { mkdir, realpath, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { filledNarwhal } from '#root/test/support/cli/filled-narwhal.ts'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { runCommand } from '#root/test/support/cli/run-command.ts'
import { aPipeline } from '#root/test/support/cli/views.ts'
import { freePort } from '#root/test/support/free-port.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { addClientCommands } from './commands.ts'
import { createProgram, runProgram } from './program.ts'

test('lists repositories, pipelines, runners and the queue as aligned tables', async () => {
  await using fake = await filledNarwhal()
  const outputs = []
  const lines = ['repo list', 'pipeline list', 'runner list', 'queue', 'token list', 'user list']
  for (const line of [...lines, 'runner token list']) {
    const { out, err, code } = await runCommand(fake.url, line)
    assert.deepEqual([err, code], ['', 0])
    outputs.push(out)
  }
  assert.equal(
    outputs.join('\n'),
    `NAME      FORGE  POLLED    URL                                   ID
team/app  git    every 1m  https://git.example.com/team/app.git  repo_1

PIPELINE     STATUS   EVENT  REF   COMMIT      TITLE         AUTHOR  DURATION    CREATED
team/app#12  failure  push   main  1a2b3c4d5e  Fix the flux  Ada     4.0 s       1 min ago
team/app#11  running  push   main  1a2b3c4d5e  Fix the flux  Ada     1 min 00 s  1 min ago

RUNNER   STATE   BUSY  ENGINES  LABELS       LINK                  SEEN       NETWORK       DETAILS
build-1  online  1/4   docker   linux,amd64  http://10.0.0.5:4750  1 min ago  private open  known vulnerabilities: runc 1.3.2

#  REPOSITORY  JOB     WAITING     REASON                       ID
1  team/app    deploy  1 min 00 s  no runner has the label gpu  job_deploy

TOKEN    NAME    USER  ACCESS  CREATED    LAST USED  EXPIRES
token_1  laptop  ada   full    1 min ago  never      never

USER  ROLE   ADDED
ada   admin  1 min ago

TOKEN   LABELS  CREATED    STATE
join_1  gpu     1 min ago  valid
join_2          1 min ago  used by runner_1
join_3  gpu     1 min ago  expired
`,
  )
})

test('prints the API JSON as one document with --json', async () => {
  await using fake = await filledNarwhal()
  const read = async (line: string) =>
    JSON.parse((await runCommand(fake.url, `${line} --json`)).out)
  assert.deepEqual(await read('repo list'), { repositories: fake.repositories })
  assert.deepEqual(await read('pipeline list'), { pipelines: fake.pipelines })
  assert.deepEqual(await read('runner list'), { runners: fake.runners })
  assert.deepEqual(await read('queue'), { jobs: fake.queue, total: 1 })
  const shown = await read('pipeline show team/app#12')
  assert.deepEqual(shown.jobs, JSON.parse(JSON.stringify(fake.jobs)))
  assert.equal(shown.seq, 100)
})

test('shows one pipeline with its jobs, steps and reasons', async () => {
  await using fake = await filledNarwhal()
  const { out } = await runCommand(fake.url, 'pipeline show team/app#12')
  assert.equal(
    out.replace(/created .*/, 'created   X'),
    `team/app#12
  status    failure
  name      app
  commit    1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d on main
  title     Fix the flux
  author    Ada
  event     push (webhook)
  created   X
  duration  4.0 s
  id        pipeline_1

JOB          STATUS   RUNNER   DURATION  DETAILS
✖ build      failure  build-1  3.5 s     job_build
  ✔ install  success           1.5 s
  ✖ test     failure           3.0 s     exit code 2
  ○ publish  skipped
  image                                  busybox:latest  sha256:0badcafe
· deploy     blocked                     job_deploy
  · ship     waiting
`,
  )
})

test('finds a pipeline by its number behind the first page, or says there is none', async () => {
  await using fake = await filledNarwhal()
  const many = Array.from({ length: 1100 }, (_, index) =>
    aPipeline({ id: `pipeline_n${index}`, number: 1100 - index }),
  )
  fake.pipelines.splice(0, 2, ...many)
  const { out } = await runCommand(fake.url, 'pipeline show team/app#7 --json')
  assert.equal(JSON.parse(out).pipeline.number, 7)
  const missing = await runCommand(fake.url, 'pipeline show team/app#2000')
  assert.equal(missing.code, 3)
  assert.match(missing.err, /pipeline team\/app#2000 not found/)
})

test('tells usage errors, missing things, missing rights and a missing server apart', async () => {
  await using fake = await filledNarwhal()
  const away = `http://127.0.0.1:${await freePort()}`
  const cases: [string, number, RegExp][] = [
    ['pipline list', 2, /unknown command 'pipline'\n\(Did you mean pipeline\?\)/],
    ['pipeline lst', 2, /Did you mean list\?/],
    ['pipeline list --outcom success', 2, /Did you mean --outcome\?/],
    ['pipeline show', 2, /missing required argument .*\nSee `narwhal pipeline show --help`\./],
    ['repo add', 2, /See `narwhal repo add --help`\./],
    ['pipeline show 12', 2, /isn't a pipeline: use an id or owner\/name#12/],
    ['pipeline list --limit 0', 2, /--limit takes a positive whole number/],
    ['pipeline start --follow --json', 2, /cannot be used with/],
    ['repo', 2, /Usage: narwhal repo/],
    ['repo add ./nothing-here', 2, /no folder at/],
    ['repo add https://example.com/a/b --poll never', 2, /invalid duration "never"/],
    ['repo list --server example.com', 2, /invalid server URL "example\.com"/],
    ['pipeline show pipeline_x', 3, /there is no pipeline pipeline_x/],
    ['logs job_x', 3, /there is no job job_x/],
    ['logs team/app#12 --job nope', 3, /no job "nope"; its jobs: build, deploy/],
    [`queue --server ${away}`, 5, /can't reach Narwhal at .*: start it with `narwhal up`, or set/],
    ['repo add https://git.example.com/team/app.git', 6, /already/],
  ]
  for (const [line, exit, words] of cases) {
    const result = await runCommand(fake.url, line)
    assert.match(result.err, words, line)
    assert.equal(result.code, exit, line)
    assert.equal(result.out, '', line)
  }
  assert.equal((await runCommand(fake.url, '--help')).code, 0)
  assert.equal((await runCommand(fake.url, 'pipeline start --help')).code, 0)
})

test('sends the token of --token or NARWHAL_TOKEN, and says how to give one', async () => {
  await using fake = await filledNarwhal()
  fake.token = 'nwl_right'
  const none = await runCommand(fake.url, 'queue')
  assert.deepEqual([none.code, none.out], [4, ''])
  assert.match(
    none.err,
    /needs a token \(set NARWHAL_TOKEN; .* --data names the folder that has a token\)/,
  )
  assert.equal((await runCommand(fake.url, 'queue --token nwl_right')).code, 0)
  assert.equal(
    (await runCommand(fake.url, 'queue', { env: { NARWHAL_TOKEN: 'nwl_right' } })).code,
    0,
  )
  assert.equal((await runCommand(fake.url, 'queue --token nwl_wrong')).code, 4)
})

test('registers a repository of GitHub and says what to enter there', async () => {
  await using fake = await filledNarwhal()
  const { out, err } = await runCommand(
    fake.url,
    'repo add https://github.com/octocat/hello --poll off',
  )
  assert.equal(
    out,
    `registered octocat/hello (https://github.com/octocat/hello), webhooks only

Enter this at https://github.com/octocat/hello/settings/hooks/new, as an administrator:
  Payload URL   ${fake.url}/webhooks/github/${fake.repositories.at(-1)?.id}
  Content type  application/json
  Secret        s3cret
  Events        Let me select individual events: Pushes, Pull requests, Branch or tag creation, Merge groups, Releases
GitHub can't reach ${fake.url}: use this server's public address instead.
`,
  )
  assert.match(err, /narwhal pipeline start octocat\/hello --follow/)
})

test('prints what to enter at each forge, and a new secret', async () => {
  await using fake = await filledNarwhal()
  const gitlab = await runCommand(fake.url, 'repo add https://gitlab.com/team/whale')
  assert.match(
    gitlab.out,
    /URL +\S+\/webhooks\/gitlab\/repo_\w+\n +Secret token +s3cret\n +Triggers +Push events/,
  )
  const gitea = await runCommand(fake.url, 'repo add https://git.example.com/a/b --forge gitea')
  assert.match(gitea.out, /Target URL +\S+\/webhooks\/gitea\/repo_\w+\n/)
  const git = await runCommand(fake.url, 'repo add https://git.example.com/a/c')
  assert.doesNotMatch(git.out, /ecret/)
  const renewed = await runCommand(fake.url, 'repo webhook-secret team/app')
  assert.match(renewed.out, /Secret +n3w\n/)
  assert.match(renewed.err, /the previous secret is valid until .* 2030-/)
})

test('registers the working directory by its absolute path, and starts its pipelines', async () => {
  await using fake = await filledNarwhal()
  await using dir = await tempDir()
  await mkdir(dir.join('here', '.git'), { recursive: true })
  const here = await realpath(dir.join('here'))
  await runCommand(fake.url, 'repo add .', { cwd: here })
  assert.equal(fake.repositories.at(-1)?.cloneUrl, here)
  assert.equal(fake.repositories.at(-1)?.name, 'here')
  const started = await runCommand(fake.url, 'pipeline start --ref main', { cwd: here })
  assert.equal(started.out, 'started team/app#12 (pipeline_1)\n')
  assert.equal(fake.requests.at(-1), 'POST /api/v1/pipelines {"repository":"repo_9","ref":"main"}')
  const unclear = await runCommand(fake.url, 'pipeline start', { cwd: dir.path })
  assert.equal(unclear.code, 2)
  assert.match(unclear.err, /which repository\? Specify one of: team\/app, here/)
})

test('starts a pipeline of the only repository there is', async () => {
  await using fake = await filledNarwhal()
  await runCommand(fake.url, 'pipeline start')
  assert.equal(fake.requests.at(-1), 'POST /api/v1/pipelines {"repository":"repo_1"}')
  fake.repositories.length = 0
  assert.match((await runCommand(fake.url, 'pipeline start')).err, /add one with `narwhal repo add/)
})

test('hands the token of a forge over by a file, and shows it to nobody', async () => {
  await using fake = await filledNarwhal()
  await using dir = await tempDir()
  await writeFile(dir.join('token'), 'a-forge-token\n')
  const linked = await runCommand(
    fake.url,
    'repo link team/app --forge gitlab --token-file token',
    {
      cwd: dir.path,
    },
  )
  assert.equal(
    fake.requests.at(-1),
    'PUT /api/v1/repositories/team%2Fapp/forge-link {"forge":"gitlab","token":"a-forge-token"}',
  )
  assert.match(linked.out, /^statuses of team\/app are reported to team\/app \(gitlab, https:/)
  assert.doesNotMatch(linked.out + linked.err, /a-forge-token/)
  const shown = await runCommand(fake.url, 'repo link team/app')
  assert.match(shown.out, /last rejected .*: success of c0ffeec: it answered 401\n$/)
  assert.equal((await runCommand(fake.url, 'repo link team/app --forge gitea')).code, 2)
})

test('sends each command to its route', async () => {
  await using fake = await filledNarwhal()
  const cases: [string | string[], string][] = [
    ['repo remove team/app', 'DELETE /api/v1/repositories/team%2Fapp'],
    ['repo unlink team/app', 'DELETE /api/v1/repositories/team%2Fapp/forge-link'],
    ['pipeline rerun team/app#12', 'POST /api/v1/pipelines/pipeline_1/rerun'],
    ['pipeline rerun pipeline_1 --job build', 'POST /api/v1/jobs/job_build/rerun'],
    ['pipeline cancel pipeline_1', 'POST /api/v1/pipelines/pipeline_1/cancel {}'],
    [
      ['pipeline', 'cancel', 'pipeline_1', '--job', 'build', '--reason', 'it hangs'],
      'POST /api/v1/jobs/job_build/cancel {"reason":"it hangs"}',
    ],
    [
      'runner add mac-mini http://10.0.0.5:4750 --balanced --runner-token t',
      'POST /api/v1/runners {"name":"mac-mini","url":"http://10.0.0.5:4750","balanced":true,"token":"t"}',
    ],
    ['runner remove mac-mini', 'DELETE /api/v1/runners/mac-mini'],
    ['runner drain mac-mini', 'POST /api/v1/runners/mac-mini/drain'],
    ['runner resume mac-mini', 'POST /api/v1/runners/mac-mini/resume'],
    ['runner token', 'POST /api/v1/runners/tokens {"labels":[],"uses":1,"lifeMs":3600000}'],
    [
      'runner token --labels gpu,big',
      'POST /api/v1/runners/tokens {"labels":["gpu","big"],"uses":1,"lifeMs":3600000}',
    ],
    [
      'runner token --uses 20 --for 24h',
      'POST /api/v1/runners/tokens {"labels":[],"uses":20,"lifeMs":86400000}',
    ],
    ['runner token remove join_1', 'DELETE /api/v1/runners/tokens/join_1'],
    ['token create laptop', 'POST /api/v1/tokens {"name":"laptop","lifeMs":7776000000}'],
    [
      'token create x --user bot',
      'POST /api/v1/tokens {"name":"x","user":"bot","lifeMs":7776000000}',
    ],
    ['token create x --for 30d', 'POST /api/v1/tokens {"name":"x","lifeMs":2592000000}'],
    ['token create x --for never', 'POST /api/v1/tokens {"name":"x","lifeMs":"never"}'],
    ['user add grace --role viewer', 'POST /api/v1/users {"name":"grace","role":"viewer"}'],
    ['user role grace admin', 'PATCH /api/v1/users/grace {"role":"admin"}'],
    ['user remove grace', 'DELETE /api/v1/users/grace'],
    ['token remove token_2', 'DELETE /api/v1/tokens/token_2'],
  ]
  for (const [line, request] of cases) {
    assert.equal((await runCommand(fake.url, line)).code, 0, String(line))
    assert.equal(fake.requests.at(-1), request)
  }
  assert.equal((await runCommand(fake.url, 'token create x')).out, 'nwl_secret\n')
  assert.equal((await runCommand(fake.url, 'runner token')).out, 'nwl_join\n')
  const link = await runCommand(fake.url, 'sign-in-link')
  assert.equal(link.out, `${fake.url}/sign-in#code=nwl_code\n`)
  const found = await runCommand(fake.url, 'token revoke --value -', { input: 'nwl_found\n' })
  assert.equal(found.out, 'revoked: access token token_1\n')
  assert.equal(fake.requests.at(-1), 'POST /api/v1/tokens/revoke {"value":"nwl_found"}')
  assert.equal((await runCommand(fake.url, 'token create x --for long')).code, 2)
  assert.equal((await runCommand(fake.url, 'runner token --labels ,')).code, 2)
  assert.equal((await runCommand(fake.url, 'user role grace king')).code, 2)
})

test('shares the runner command with the service of that name, and its options with none', async () => {
  await using fake = await filledNarwhal()
  fake.token = 'nwl_right'
  const io = recordedIo({ env: { NARWHAL_SERVER: fake.url } })
  const program = createProgram(io, '0.1.0')
  let started: unknown
  const service = program.command('runner').option('--token <token>').option('--server <url>')
  service.action((options) => {
    started = options
  })
  addClientCommands(program, io)
  await runProgram(program, ['runner', 'list', '--token', 'nwl_right'], io)
  assert.match(io.stdout.text, /build-1/)
  assert.equal(started, undefined)
  await runProgram(program, ['runner', '--token', 'its own'], io)
  assert.deepEqual(started, { token: 'its own' })
  await runProgram(program, ['runner', 'lsit'], io)
  assert.equal(io.exitCode, 2)
})
