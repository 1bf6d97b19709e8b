import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from './support/eventually.ts'
import { type Files, gitRepository } from './support/git-repository.ts'
import { finished, type Installation, startUp } from './support/installation.ts'
import { runNarwhal } from './support/narwhal-process.ts'
import { startRunnerProcess } from './support/runner-process.ts'
import { callDocker } from './support/services/docker-api.ts'
import { testImage, testService } from './support/services.ts'
import { tcpProxy } from './support/tcp-proxy.ts'
import { tempDir } from './support/temp-dir.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

const run = promisify(execFile)
const docker = testService('docker')

function fileOf(job: object): Files {
  return { 'narwhal.yml': JSON.stringify({ jobs: { job } }) }
}

const stepOf = (command: string): object[] => [{ name: 'step', command }]

async function add({ client }: Installation, cloneUrl: string): Promise<void> {
  await client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
}

async function build(narwhal: Installation) {
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/project' })
  return await finished(narwhal, id)
}

test('a Docker Engine that dies is an error in words, before a job and in its middle', {
  skip: docker.skip,
}, async () => {
  const path = docker.url.replace('unix://', '')
  await using proxy = await tcpProxy({ path })
  const engine = `docker:tcp://127.0.0.1:${proxy.port}`
  await using narwhal = await startUp({
    executor: engine,
    defaultImage: testImage(),
    maxAttempts: '1',
  })
  await using repository = await gitRepository({ files: fileOf({ steps: stepOf('echo hello') }) })
  await add(narwhal, repository.path)
  assert.equal((await build(narwhal)).pipeline.outcome, 'success')

  proxy.refuse()
  const before = await build(narwhal)
  assert.deepEqual(
    before.jobs.map(({ outcome }) => outcome),
    ['error'],
  )
  assert.match(before.jobs[0]?.reason ?? '', /Docker|engine/i)
  assert.match(before.jobs[0]?.reason ?? '', /ECONNRESET|reset|hang up|closed/)
  assert.equal(before.jobs[0]?.attempts.length, 1)

  proxy.accept()
  await repository.commit(fileOf({ steps: stepOf('echo begun; sleep 600') }))
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/project' })
  await eventually(
    async () => {
      const { jobs } = await narwhal.client.getPipeline(id)
      return (jobs[0]?.attempts[0]?.lines ?? 0) > 0
    },
    { timeoutMs: 30_000, message: 'a step that runs' },
  )
  proxy.refuse()
  const middle = await finished(narwhal, id)
  const [job] = middle.jobs
  assert.equal(job?.outcome, 'error')
  assert.match(job.reason ?? '', /Docker|engine/i)
  assert.deepEqual(
    job.attempts.map(({ steps }) => steps.map(({ outcome }) => outcome)),
    [['error']],
  )

  proxy.accept()
  await repository.commit(fileOf({ steps: stepOf('echo well again') }))
  assert.equal((await build(narwhal)).pipeline.outcome, 'success')
  await eventually(
    async () => {
      const filters = JSON.stringify({ label: [`narwhal.sandbox=${job.id}/1`] })
      const query = new URLSearchParams({ all: '1', filters })
      const left = await callDocker(path, 'GET', `/containers/json?${query.toString()}`)
      assert.deepEqual(JSON.parse(left), [])
    },
    { timeoutMs: 30_000 },
  )
})

test('a missing image is an error that names it', { skip: docker.skip }, async () => {
  await using narwhal = await startUp({ executor: `docker:${docker.url}` })
  const image = 'narwhal-test/nowhere:none'
  await using repository = await gitRepository({ files: fileOf({ image, steps: stepOf('true') }) })
  await add(narwhal, repository.path)
  const { jobs } = await build(narwhal)
  assert.equal(jobs[0]?.outcome, 'error')
  assert.match(jobs[0]?.reason ?? '', /narwhal-test\/nowhere:none/)
})

test('a commit that can not be fetched is an error with the words of git', async () => {
  await using narwhal = await startUp()
  const files = fileOf({ steps: stepOf('print hello') })
  await using repository = await gitRepository({ files, serve: true })
  await using gate = await tcpProxy({ port: Number(new URL(repository.url).port) })
  await add(narwhal, gate.through(repository.url))
  assert.equal((await build(narwhal)).pipeline.outcome, 'success')

  // The same commit is at hand: it needs no remote.
  const [first] = await narwhal.client.listPipelines({})
  assert.ok(first)
  gate.refuse()
  const again = await narwhal.client.rerunPipeline(first.id)
  assert.equal((await finished(narwhal, again.id)).pipeline.outcome, 'success')
  await assert.rejects(narwhal.client.startPipeline({ repository: 'ada/project' }), (error) => {
    assert.match(String(error), /git|reach|read/i)
    return true
  })

  gate.accept()
  const sha = await repository.commit({ 'a.txt': 'a' })
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/project', ref: sha })
  assert.equal((await finished(narwhal, id)).pipeline.outcome, 'success')
  const gone = 'f'.repeat(40)
  const lost = await narwhal.client.startPipeline({ repository: 'ada/project', ref: gone })
  const { pipeline, jobs } = await finished(narwhal, lost.id)
  assert.deepEqual([pipeline.outcome, jobs.length], ['error', 0])
  assert.match(pipeline.reason ?? '', new RegExp(`${gone} is not in ada/project`))

  await repository.commit({ 'b.txt': 'b' })
  const next = await repository.head()
  gate.refuse()
  // Whether it is the repository's own commit is asked before a pipeline is made.
  await assert.rejects(narwhal.client.startPipeline({ repository: 'ada/project', ref: next }), {
    code: 'unavailable',
    message: /^git remote-http failed: /,
  })
  const away = await narwhal.client.rerunPipeline(lost.id)
  const unreachable = await finished(narwhal, away.id)
  assert.equal(unreachable.pipeline.outcome, 'error')
  assert.match(unreachable.pipeline.reason ?? '', /can't fetch ada\/project: git fetch failed: /)
})

const canMount = process.getuid?.() === 0 ? false : 'only root can mount a small disk'

test('a full disk is an error in words, in planning and in a job', { skip: canMount }, async () => {
  await using stack = new AsyncDisposableStack()
  const disk = stack.use(await tempDir('narwhal-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', disk.path])
  stack.defer(async () => void (await run('umount', ['--lazy', disk.path])))
  const runner = stack.use(
    await startRunnerProcess({ name: 'small', labels: 'small', args: ['--data', disk.path] }),
  )
  const narwhal = stack.use(await startUp())
  const { client } = narwhal
  await client.addRunner({ name: 'small', url: runner.url, token: RUNNER_TOKEN })
  // Plans, too, are to be made on the small one.
  const near = (await client.listRunners()).find(({ name }) => name !== 'small')
  await client.drainRunner(near?.id ?? '')
  await eventually(async () => {
    const small = (await client.listRunners()).find(({ name }) => name === 'small')
    assert.equal(small?.state, 'online')
  })
  const files = fileOf({ labels: ['small'], steps: stepOf('echo hello') })
  const repository = stack.use(await gitRepository({ files }))
  // Does not compress: more than there is room for once, but not twice.
  await repository.commit({ 'data.hex': randomBytes(6 * 1024 * 1024).toString('base64') })
  await add(narwhal, repository.path)
  const first = await build(narwhal)
  assert.deepEqual(
    first.jobs.map(({ outcome }) => outcome),
    ['error'],
    JSON.stringify(first),
  )
  assert.match(first.jobs[0]?.reason ?? '', /can't check out.*disk has \d MB left/)

  await eventually(async () => assert.deepEqual(await readdir(disk.join('workspaces')), []))
  await writeFile(disk.join('filler'), Buffer.alloc(16 * 1024 * 1024)).catch(() => {})
  await repository.commit({ 'more.hex': randomBytes(1024 * 1024).toString('base64') })
  const second = await build(narwhal)
  assert.deepEqual([second.pipeline.outcome, second.jobs.length], ['error', 0])
  assert.match(second.pipeline.reason ?? '', /can't fetch.*disk has 0 MB left/)

  await rm(disk.join('filler'))
  await repository.commit({ 'data.hex': null, 'more.hex': null })
  assert.equal((await build(narwhal)).pipeline.outcome, 'success')
})

test('every problem of narwhal.yml is shown with line, column and caret', async () => {
  await using narwhal = await startUp()
  const text = 'name: [1]\nsteps:\n  - name: a\n    comand: make\n  - 7\n'
  await using repository = await gitRepository({ files: { 'narwhal.yml': text } })
  await add(narwhal, repository.path)
  const { pipeline } = await build(narwhal)
  assert.equal(pipeline.outcome, 'error')
  const places = pipeline.problems.map(({ line, column }) => [line, column])
  assert.ok(places.length >= 3, JSON.stringify(pipeline.problems))
  for (const place of [
    [1, 7],
    [4, 5],
    [5, 5],
  ])
    assert.ok(
      places.some((one) => one.join() === place.join()),
      `${place.join()} in ${JSON.stringify(places)}`,
    )
  const lines = text.split('\n')
  for (const { line, column, excerpt } of pipeline.problems) {
    const shown = excerpt.split('\n')
    const caret = shown.findIndex((one) => /^[\s|]*\^/.test(one))
    assert.ok(caret > 0, excerpt)
    // The caret stands under the very character.
    const source = lines[line - 1] ?? ''
    const indent = (shown[caret - 1] ?? '').indexOf(source)
    assert.equal(shown[caret]?.indexOf('^'), indent + column - 1, excerpt)
  }
  const { code, said } = await runNarwhal(['pipeline', 'show', 'ada/project#1'], {
    NARWHAL_SERVER: narwhal.url,
    NARWHAL_TOKEN: narwhal.token,
  })
  assert.equal(code, 0, said)
  for (const { line, column, message, excerpt } of pipeline.problems) {
    assert.ok(said.includes(`narwhal.yml:${line}:${column}: ${message}`), said)
    for (const one of excerpt.split('\n')) assert.ok(said.includes(one.trimEnd()), said)
  }
  assert.equal((await fetch(`${narwhal.url}/readyz`)).status, 200)
})
