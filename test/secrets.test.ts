import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { PipelineWithJobs } from '../src/contract/rest/rest.ts'
import { type GitRepository, gitRepository } from './support/git-repository.ts'
import { deliver, pullRequestPayload } from './support/github.ts'
import { finished, logText, pipelineOf, push, register, startUp } from './support/installation.ts'
import { bearer } from './support/tokens.ts'

const CANARY = 'canary-7f3a91c2e5'
const OTHER = 'canary-of-all-0b8d'

const FILE = JSON.stringify({
  jobs: {
    uses: {
      secrets: { OWN: 'DEPLOY_KEY', REST: 'SHARED' },
      steps: [
        {
          name: 'print',
          command: `print own $OWN\nprint-error rest $REST, $DEPLOY_KEY.\nprint ${Buffer.from(CANARY).toString('base64')}`,
        },
      ],
    },
    plain: { steps: [{ name: 'print', command: 'print own $OWN $DEPLOY_KEY.' }] },
    fails: { secrets: ['SHARED'], steps: [{ name: 'crash', command: `crash no $SHARED` }] },
  },
})

suite('secrets', () => {
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: Awaited<ReturnType<typeof register>>

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': FILE } })
    narwhal = await startUp({ maxAttempts: '1' })
    repository = await register(narwhal, source.path, { name: 'ada/secrets' })
    await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  async function api(method: string, path: string, body?: object): Promise<Response> {
    return await fetch(`${narwhal.url}/api/v1${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
      headers: {
        ...bearer(narwhal.token),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
    })
  }

  async function build(files: Record<string, string>): Promise<PipelineWithJobs> {
    const sha = await source.commit({ ...files, stamp: String(Math.random()) })
    const { body } = await push(narwhal, repository, { sha })
    return await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }

  async function pull(headRepositoryId: number, number: number): Promise<PipelineWithJobs> {
    const sha = await source.commit({ 'narwhal.yml': FILE, stamp: `pull ${number}` })
    await source.git('update-ref', `refs/pull/${number}/head`, sha)
    const payload = pullRequestPayload(repository.forge, { number, sha, headRepositoryId })
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }

  test('a job that names a secret which is not set ends in an error that says what to do', async () => {
    const { pipeline, jobs } = await build({ 'narwhal.yml': FILE })
    assert.equal(pipeline.outcome, 'error')
    const [uses, plain] = jobs
    assert.equal(plain?.outcome, 'success')
    assert.equal(
      uses?.reason,
      'the secrets DEPLOY_KEY, SHARED are not set: set it with `narwhal secret set DEPLOY_KEY --repository ada/secrets`, and run the job again',
    )
    assert.deepEqual(uses.attempts, [])
  })

  test('secrets are set, listed and removed, and their values never come back', async () => {
    const own = '/repositories/ada%2Fsecrets/secrets'
    const set = async (path: string, value: string) => (await api('PUT', path, { value })).status
    assert.equal(await set('/secrets/DEPLOY_KEY', 'the one of all'), 200)
    assert.equal(await set('/secrets/SHARED', OTHER), 200)
    assert.equal(await set(`${own}/DEPLOY_KEY`, 'the former'), 200)
    assert.equal(await set(`${own}/DEPLOY_KEY`, CANARY), 200)
    assert.equal(await set(`${own}/OLD`, 'an old one'), 200)
    assert.equal((await api('DELETE', `${own}/OLD`)).status, 200)
    assert.equal((await api('DELETE', `${own}/OLD`)).status, 404)
    const list = await (await api('GET', own)).text()
    const { secrets } = JSON.parse(list) as { secrets: { name: string; scope: string }[] }
    assert.deepEqual(
      secrets.map(({ name, scope }) => [name, scope]),
      [
        ['DEPLOY_KEY', 'repository'],
        ['SHARED', 'all'],
      ],
    )
    const ofAll = await narwhal.client.listSecrets()
    assert.deepEqual(
      ofAll.map(({ name, scope }) => [name, scope]),
      [
        ['DEPLOY_KEY', 'all'],
        ['SHARED', 'all'],
      ],
    )
    assert.ok(!list.includes(CANARY) && !JSON.stringify(ofAll).includes('one of all'))
    assert.equal((await api('GET', `${own}/DEPLOY_KEY`)).status, 404)

    const wrong = {
      'secrets/lower': ['value', /can't name a secret/],
      'secrets/NARWHAL_X': ['value', /reserved/],
      'secrets/..%2FOTHER': ['value', /can't name a secret/],
      'secrets/SHORT': ['abc', /fewer than 4/],
      'secrets/BLANK': ['        ', /fewer than 4/],
      'secrets/LONG': ['x'.repeat(33_000), /more than 32 KiB/],
      'secrets/NUL': ['ab\0cd', /NUL/],
      'repositories/no%2Fsuch/secrets/KEY': ['value', /no repository/],
    } as const
    for (const [path, [value, words]] of Object.entries(wrong)) {
      const answer = await api('PUT', `/${path}`, { value })
      assert.ok([400, 404].includes(answer.status), path)
      const text = await answer.text()
      assert.match(text, words)
      assert.ok(value === 'value' || !text.includes(value), path)
    }
  })

  test('jobs that name them get them, and nothing that is printed, told or kept has them', async () => {
    const { jobs } = await build({ 'narwhal.yml': FILE })
    const [uses, plain, fails] = jobs
    assert.ok(uses && plain && fails)
    assert.equal(uses.outcome, 'success', uses.reason)
    const log = await logText(narwhal, uses)
    assert.deepEqual(log.split('\n').toSorted(), ['***', 'own ***', 'rest ***, .'])
    assert.equal(await logText(narwhal, plain), 'own  .')
    assert.equal(fails.outcome, 'error')
    assert.match(fails.reason ?? '', /no \*\*\*/)
    for (const needle of [CANARY, OTHER]) {
      assert.deepEqual(await filesWith(narwhal.dataDir, needle), [])
      assert.ok(!narwhal.output().includes(needle))
    }
  })

  test('a pull request from a fork gets them once somebody has approved its commit', async () => {
    const { pipeline, jobs } = await pull(999, 5)
    assert.equal(pipeline.outcome, 'error')
    assert.partialDeepStrictEqual(pipeline.approval, { status: 'needed' })
    assert.equal(pipeline.approval?.status === 'needed' && pipeline.approval.for, undefined)
    const [uses, plain] = jobs
    assert.equal(plain?.outcome, 'success')
    assert.equal(
      uses?.reason,
      `it names the secrets DEPLOY_KEY, SHARED, and its commit is a stranger's: look at what it would run, then approve it with \`narwhal pipeline approve ${pipeline.id}\``,
    )
    assert.deepEqual(uses.attempts, [])
    // To run it again does not make it anybody else's.
    await narwhal.client.rerunJob(uses.id)
    const again = await finished(narwhal, pipeline.id)
    assert.equal(again.jobs[0]?.reason, uses.reason)

    await narwhal.client.approvePipeline(pipeline.id, { sha: pipeline.event.sha })
    const approved = await finished(narwhal, pipeline.id)
    assert.equal(approved.pipeline.approval?.status, 'given')
    const [ran, same] = approved.jobs
    assert.equal(ran?.outcome, 'success', ran?.reason)
    assert.equal(same?.attempt, 1)
    assert.match(await logText(narwhal, ran), /own \*\*\*/)
    await assert.rejects(narwhal.client.approvePipeline(pipeline.id, { sha: pipeline.event.sha }), {
      code: 'conflict',
      message: /the pipeline is already approved/,
    })
    // Another run of the commit is approved by itself.
    const rerun = await narwhal.client.rerunPipeline(pipeline.id)
    assert.equal((await finished(narwhal, rerun.id)).jobs[0]?.outcome, 'error')
  })

  test("a pull request of the repository's own needs no approval", async () => {
    const { pipeline, jobs } = await pull(repository.forge.id, 6)
    assert.equal(jobs[0]?.outcome, 'success', jobs[0]?.reason)
    assert.equal(pipeline.approval, undefined)
    await assert.rejects(narwhal.client.approvePipeline(pipeline.id, { sha: pipeline.event.sha }), {
      code: 'conflict',
      message: /needs no approval/,
    })
  })
})

/** The files below a folder that hold the text; what is removed meanwhile holds nothing. */
async function filesWith(folder: string, needle: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await filesWith(path, needle)))
    if (!entry.isFile()) continue
    const bytes = await readFile(path).catch(() => Buffer.of())
    if (bytes.includes(needle)) found.push(path)
  }
  return found
}
