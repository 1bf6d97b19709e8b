import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import type { JwtPayload } from 'jsonwebtoken'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import { filesWith } from '../support/files-with.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import { Verifier } from '../support/id-tokens.ts'
import { importTestImage, withoutContainers } from '../support/imported-image.ts'
import {
  finished,
  logText,
  pipelineOf,
  push,
  type Registered,
  register,
  startUp,
} from '../support/installation.ts'
import { testImage, testService } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

const ISSUER = 'https://tokens.example.com'
const AUDIENCE = 'sts.example.com'

suite('id tokens', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: Registered

  before(async () => {
    dir = await tempDir()
    source = await gitRepository({ files: { 'narwhal.yml': 'steps: [true]\n' } })
    narwhal = await startUp({ executor: 'process:', oidcIssuer: ISSUER, maxAttempts: '1' })
    repository = await register(narwhal, source.path, { name: 'ada/cloud' })
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  const commit = (file: object): Promise<string> =>
    source.commit({ 'narwhal.yml': JSON.stringify(file), stamp: `${Math.random()}` })

  async function build(file: object, at = narwhal, of = repository): Promise<PipelineWithJobs> {
    const { body } = await push(at, of, { sha: await commit(file) })
    return await finished(at, (await pipelineOf(at, body.eventId)).id)
  }

  const keep = (name: string): string => `printf %s "$TOKEN" >${dir.join(name)}`
  const told = (name: string): Promise<string> => readFile(dir.join(name), 'utf8')
  const token = (more: object = {}) => ({ TOKEN: { audience: AUDIENCE, ...more } })

  test('OIDC-12: no token is made for Narwhal itself, not even an optional one', async () => {
    for (const audience of [ISSUER, ['a', ISSUER]]) {
      const { jobs } = await build({
        jobs: { a: { id_tokens: { T: { audience, optional: true } }, steps: ['true'] } },
      })
      assert.equal(jobs[0]?.outcome, 'error')
      assert.match(jobs[0].reason ?? '', /T: its audience is https:\/\/tokens.* Narwhal itself/)
      assert.deepEqual(jobs[0].attempts, [])
    }
  })

  test('OIDC-13: without an issuer that clouds accept, the job fails with a message before it runs', async () => {
    for (const flags of [{}, { publicUrl: 'http://ci.example.com' }]) {
      await using other = await startUp(flags)
      const of = await register(other, source.path)
      const { jobs } = await build(
        {
          jobs: {
            needs: { id_tokens: token(), steps: ['print x'] },
            may: { id_tokens: token({ optional: true }), steps: ['print <$TOKEN>'] },
          },
        },
        other,
        of,
      )
      const [needs, may] = jobs
      assert.equal(needs?.outcome, 'error')
      assert.match(needs.reason ?? '', /can't have the id token TOKEN: .*--oidc-issuer/)
      assert.deepEqual(needs.attempts, [])
      assert.ok(may)
      assert.equal(await logText(other, may), '<>')
      const documents = await fetch(`${other.url}/.well-known/openid-configuration`, {
        headers: { authorization: `Bearer ${other.token}` },
      })
      assert.equal(documents.status, 404)
    }
  })

  test('OIDC-14: a repository that is registered again under the same name is another subject', async () => {
    const name = 'ada/again'
    const file = { jobs: { a: { id_tokens: token(), steps: [keep('again')] } } }
    const subjects: string[] = []
    for (const round of [1, 2]) {
      const of = await register(narwhal, source.path, { name })
      assert.equal((await build(file, narwhal, of)).pipeline.outcome, 'success', `${round}`)
      const claims = await new Verifier(ISSUER, narwhal.url).verify(await told('again'), AUDIENCE)
      const shown = await narwhal.client.getSubject(name, {})
      assert.equal(claims.sub, shown.sub)
      assert.match(claims.sub ?? '', /^repo:ada\/again:/)
      subjects.push(claims.sub ?? '')
      await narwhal.client.removeRepository(name)
    }
    assert.notEqual(subjects[0], subjects[1])
  })

  test('OIDC-15: a token is in no file of the server, no answer of the API and no log', async () => {
    const command = `${keep('canary')}; echo "$TOKEN" >&2; echo "$TOKEN" | base64 -w0; echo "a: $TOKEN" ; env | grep TOKEN; exit 3`
    const { pipeline, jobs } = await build({
      jobs: { leaks: { id_tokens: token(), steps: [command] } },
    })
    const [, , signature = ''] = (await told('canary')).split('.')
    assert.equal(signature.length, 342)
    const [job] = jobs
    assert.ok(job)
    const places = [
      await logText(narwhal, job),
      JSON.stringify(await narwhal.client.getPipeline(pipeline.id)),
      narwhal.output(),
    ]
    const needles = [
      signature,
      Buffer.from(await told('canary'))
        .toString('base64')
        .slice(-300, -20),
    ]
    for (const needle of needles) {
      for (const place of places) assert.ok(!place.includes(needle))
      assert.deepEqual(await filesWith(narwhal.dataDir, needle), [])
    }
  })

  test('OIDC-16: the audit log says which attempt was given which tokens, and none of their bytes', async () => {
    const { pipeline } = await build({
      jobs: {
        deploy: { id_tokens: { ...token(), T2: { audience: 'b' } }, steps: [keep('audit')] },
      },
    })
    const answer = await fetch(`${narwhal.url}/api/v1/audit?action=job.given_secrets`, {
      headers: { authorization: `Bearer ${narwhal.token}` },
    })
    const { entries } = (await answer.json()) as { entries: { after?: Record<string, unknown> }[] }
    const entry = entries.find(({ after }) => after?.['pipeline'] === pipeline.id)
    assert.deepEqual(entry?.after?.['idTokens'], ['TOKEN', 'T2'])
    const [, , signature = 'none'] = (await told('audit')).split('.')
    assert.ok(!JSON.stringify(entries).includes(signature))
  })
})

const { url: engine, skip } = testService('docker')

for (const [by, executor, skipHere] of [
  ['Docker', `docker:${engine}`, skip],
  ['a runtime', 'oci:', await withoutContainers()],
] as const) {
  suite(`id tokens of strangers, in containers of ${by}`, { skip: skipHere }, () =>
    strangers(executor),
  )
}

function strangers(executor: string): void {
  let data: Awaited<ReturnType<typeof tempDir>>
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: Registered

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': 'steps: [true]\n' } })
    data = await tempDir()
    if (executor === 'oci:') await importTestImage(data.path)
    const settings = { executor, data: data.path, oidcIssuer: ISSUER, warmSandboxes: '0' }
    narwhal = await startUp({ ...settings, maxAttempts: '1' })
    repository = await register(narwhal, source.path, { name: 'ada/strange' })
    await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
    await data[Symbol.asyncDispose]()
  })

  async function pull(job: object, number: number): Promise<PipelineWithJobs> {
    const file = JSON.stringify({ image: testImage(), ...job })
    const { sha } = await pullCommit(source, number, { 'narwhal.yml': file, stamp: `${number}` })
    const payload = pullRequestPayload(repository.forge, { number, sha, headRepositoryId: 999 })
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }

  test("OIDC-10: a stranger's job gets no token until its pipeline is approved", async () => {
    // A token's content is no secret; its signature is.
    const print = 'body=${TOKEN#*.}; echo "${body%.*}"; cat "$NARWHAL_ID_TOKEN_FILE_TOKEN"'
    const barred = await pull({ id_tokens: { TOKEN: { audience: AUDIENCE } }, steps: [print] }, 5)
    const [job] = barred.jobs
    assert.equal(job?.outcome, 'error')
    assert.match(job.reason ?? '', /can't have the id token TOKEN.*stranger's.*pipeline approve/)
    assert.deepEqual(job.attempts, [])
    assert.equal(barred.pipeline.approval?.status, 'needed')

    const { sha } = barred.pipeline.event
    await narwhal.client.approvePipeline(barred.pipeline.id, { sha })
    const approved = await finished(narwhal, barred.pipeline.id)
    const [again] = approved.jobs
    assert.ok(again)
    assert.equal(again.outcome, 'success', again.reason)
    const [body = '', file] = (await logText(narwhal, again)).split('\n')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as JwtPayload
    assert.equal(claims['stranger'], true)
    assert.equal(claims['ref'], 'refs/pull/5/head')
    assert.match(claims.sub ?? '', /:ref:refs\/pull\/5\/head$/)
    assert.match(file ?? '', /^[\w-]+\.[\w-]+\.\*\*\*$/)
  })

  test('OIDC-11: an optional token is left out for a stranger: no variable, no file, one line in the log', async () => {
    const print = 'echo "<${TOKEN-unset}> <${NARWHAL_ID_TOKEN_FILE_TOKEN-unset}>"'
    const idTokens = { TOKEN: { audience: AUDIENCE, optional: true } }
    const { pipeline, jobs } = await pull({ id_tokens: idTokens, steps: [print, 'true'] }, 6)
    const [job] = jobs
    assert.ok(job)
    assert.equal(pipeline.outcome, 'success', job.reason)
    assert.equal(await logText(narwhal, job), '<unset> <unset>')
    const page = await narwhal.client.readLog(
      { jobId: job.id, attempt: job.attempt },
      { from: 0, limit: 100 },
    )
    const said = page.lines
      .filter(({ stream, text }) => stream === 'narwhal' && /id token/.test(text))
      .map(({ text }) => text)
    assert.deepEqual(said, [
      "the job runs without the id token TOKEN: its commit is a stranger's, and nobody has approved it",
    ])
  })
}
