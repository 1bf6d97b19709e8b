import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, suite, test } from 'node:test'
import type { PipelineWithJobs } from '../src/contract/rest/rest.ts'
import { type GitRepository, gitRepository } from './support/git-repository.ts'
import { Verifier } from './support/id-tokens.ts'
import { finished, logText, pipelineOf, push, register, startUp } from './support/installation.ts'
import { tempDir } from './support/temp-dir.ts'

const ISSUER = 'https://ci.example.com/narwhal'
const AUDIENCE = 'sts.example.com'

suite('id tokens', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let source: GitRepository
  let repository: Awaited<ReturnType<typeof register>>
  let verifier: Verifier

  const start = (): ReturnType<typeof startUp> =>
    startUp({ data: dir.join('data'), executor: 'process:', oidcIssuer: ISSUER })

  before(async () => {
    dir = await tempDir()
    source = await gitRepository({ files: { 'narwhal.yml': 'steps: [true]\n' } })
    narwhal = await start()
    repository = await register(narwhal, source.path, { name: 'ada/cloud' })
    verifier = new Verifier(ISSUER, narwhal.url)
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  async function build(file: object, ref = 'refs/heads/main'): Promise<PipelineWithJobs> {
    const sha = await source.commit({
      'narwhal.yml': JSON.stringify(file),
      stamp: `${Math.random()}`,
    })
    if (ref !== 'refs/heads/main') await source.git('update-ref', ref, sha)
    const { body } = await push(narwhal, repository, { sha, ref })
    return await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }

  /** A job that puts its token, or what is said in `command`, where the test finds it. */
  const job = (name: string, command = `printf %s "$TOKEN" >${dir.join(name)}`) => ({
    id_tokens: { TOKEN: { audience: AUDIENCE } },
    steps: [command],
  })
  const told = (name: string): Promise<string> => readFile(dir.join(name), 'utf8')

  test('another program, which knows the issuer alone, believes a token of a job', async () => {
    const { pipeline, jobs } = await build({ jobs: { deploy: job('first') } })
    assert.equal(pipeline.outcome, 'success', jobs[0]?.reason)
    const claims = await verifier.verify(await told('first'), AUDIENCE)
    assert.equal(claims.iss, ISSUER)
    assert.equal(claims.aud, AUDIENCE)
    const own = repository.id.replace('repo_', '')
    assert.equal(claims.sub, `repo:ada/cloud:${own}.${repository.forge.id}:ref:refs/heads/main`)
    assert.equal(claims['pipeline_id'], pipeline.id)
    assert.equal(claims['stranger'], false)
    const { iat = 0, nbf = 0, exp = 0 } = claims
    assert.equal(iat, nbf)
    assert.ok(exp - iat >= 330 && exp - iat <= 332, `${exp - iat} s`)
    await assert.rejects(verifier.verify(await told('first'), 'another'), /audience/)
  })

  test('its names are in the environment of the step, its bytes are masked in the log', async () => {
    const command = `echo "whole $TOKEN"; echo "part \${TOKEN##*.}"; cat "$NARWHAL_ID_TOKEN_FILE_TOKEN"; echo; printf %s "$TOKEN" >${dir.join('shown')}`
    const { jobs } = await build({ jobs: { shows: job('shown', command) } })
    const [shows] = jobs
    assert.ok(shows)
    assert.equal(shows.outcome, 'success', shows.reason)
    const [header = '', payload = ''] = (await told('shown')).split('.')
    const masked = `${header}.${payload}.***`
    assert.equal(await logText(narwhal, shows), `whole ${masked}\npart ***\n${masked}`)
    const [, , signature = 'none'] = (await told('shown')).split('.')
    assert.ok(!narwhal.output().includes(signature))
  })

  test('a file of the step is renewed at half the life of its token, while the step runs', async () => {
    const copy = dir.join('renewed')
    // No clock is waited for: the step ends when it has seen three different tokens.
    const command = `n=0; last=; while [ $n -lt 3 ]; do now=$(cat "$NARWHAL_ID_TOKEN_FILE_TOKEN"); if [ "$now" != "$last" ]; then last=$now; n=$((n+1)); echo "$now" >>${copy}; fi; sleep 0.1; done; [ "$TOKEN" != "$now" ]`
    const { jobs } = await build({
      jobs: {
        long: {
          id_tokens: { TOKEN: { audience: AUDIENCE, lifetime: '10s' } },
          steps: [command, `printf %s "$TOKEN" >${dir.join('next')}`],
        },
      },
    })
    assert.equal(jobs[0]?.outcome, 'success', jobs[0]?.reason)
    const tokens = (await readFile(copy, 'utf8')).trim().split('\n')
    assert.equal(tokens.length, 3)
    const ends = await Promise.all(
      tokens.map(async (token) => {
        const at = new Verifier(ISSUER, narwhal.url, { now: () => beginOf(token) })
        return (await at.verify(token, AUDIENCE)).exp ?? 0
      }),
    )
    assert.deepEqual(
      ends,
      ends.toSorted((a, b) => a - b),
    )
    assert.ok((ends[2] ?? 0) >= (ends[0] ?? 0) + 9, `${ends.join(' ')}`)
    // The step after it has none of the beginning of the job.
    await verifier.verify(await told('next'), AUDIENCE)
  })

  test('a branch of 250 bytes has a subject of 127, and a claim with the ids alone', async () => {
    const ref = `refs/heads/${'feature/äöü-'.repeat(20)}`.slice(0, 240)
    const { jobs } = await build({ jobs: { deploy: job('long-ref') } }, ref)
    assert.equal(jobs[0]?.outcome, 'success', jobs[0]?.reason)
    const claims = await verifier.verify(await told('long-ref'), AUDIENCE)
    assert.ok(Buffer.byteLength(ref) >= 250)
    assert.ok(Buffer.byteLength(claims.sub ?? '') <= 127, claims.sub)
    assert.equal(claims['ref'], ref)
    assert.match(String(claims['sub_ids']), /^[0-9a-z]{20}\.\d+$/)
  })

  test('the same key signs after a restart, and two processes would have the same', async () => {
    const kids = async () => (await narwhal.client.getIdTokens()).keys.map(({ kid }) => kid)
    const before = await kids()
    assert.equal(before.length, 1)
    await narwhal[Symbol.asyncDispose]()
    narwhal = await start()
    assert.deepEqual(await kids(), before)
    verifier = new Verifier(ISSUER, narwhal.url)
    await verifier.verify(await told('next'), AUDIENCE).catch((error: unknown) => {
      // It may have ended meanwhile, but is ours.
      assert.match(String(error), /expired/)
    })
  })

  test('the documents are the same whoever asks, under both paths, and may be kept for a while', async () => {
    const ask = (path: string, host: string): Promise<{ body: string; cache: string }> =>
      new Promise((resolve, reject) => {
        const headers = {
          host,
          'x-forwarded-host': 'evil.example.com',
          'x-forwarded-proto': 'http',
          forwarded: 'host=evil.example.com',
        }
        request(`${narwhal.url}${path}`, { headers }, (answer) => {
          const cache = answer.headers['cache-control'] ?? ''
          text(answer).then((body) => resolve({ body, cache }), reject)
        })
          .on('error', reject)
          .end()
      })
    for (const path of ['/.well-known/openid-configuration', '/.well-known/jwks.json']) {
      const one = await ask(path, 'ci.example.com')
      const other = await ask(`/narwhal${path}`, 'evil.example.com:1')
      assert.deepEqual(one, other)
      assert.match(one.cache, /^public, max-age=900$/)
      assert.ok(!one.body.includes('evil'))
    }
    const { body } = await ask('/.well-known/openid-configuration', 'x')
    assert.equal((JSON.parse(body) as { issuer: string }).issuer, ISSUER)
  })
})

function beginOf(token: string): number {
  const [, payload = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iat: number }
  return (claims.iat + 31) * 1000
}
