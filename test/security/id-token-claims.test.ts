import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { CLAIMS, claimsOf, type TokenFacts } from '../../src/contract/id-tokens/claims.ts'

const FACTS: TokenFacts = {
  repository: {
    id: 'repo_0m3v9k2qd8c1h5x7w4tz',
    name: 'octocat/hello',
    forge: 'github',
    forgeId: 1_296_269,
    forgeOwnerId: 583_231,
    cloneUrl: 'https://git.example.com/octocat/hello.git',
  },
  ids: '0m3v9k2qd8c1h5x7w4tz.1296269',
  event: { kind: 'push', ref: 'refs/heads/main', sha: '0123456789abcdef0123456789abcdef01234567' },
  stranger: false,
  pipeline: {
    id: 'pipeline_0m3v9k2qd8c1h5x7w4tz',
    number: 12,
    included: [
      { source: 'ci/own.yml', sha: '0'.repeat(40), digest: 'a' },
      {
        source: 'acme/ci@v1:lint.yml',
        sha: '89abcdef0123456789abcdef0123456789abcdef',
        digest: 'b',
      },
    ],
  },
  job: { id: 'job_0m3v9k2qd8c1h5x7w4tz', name: 'deploy (20, alpine)', attempt: 2 },
  runner: { name: 'build-1', link: 'attached' },
}

/** Others' policies match these: lines may be added to the file, and none may change or go. */
test('OIDC-01: the claims of a token are those that others rely on', async () => {
  const file = new URL('id-token-claims.json', import.meta.url)
  const frozen = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  const claims = claimsOf(FACTS, { audience: ['https://vault.example.com'], subject: 'job' })
  assert.deepEqual(claims, frozen)
  const times = ['iss', 'iat', 'nbf', 'exp', 'jti']
  assert.deepEqual([...CLAIMS].sort(), [...Object.keys(frozen), ...times].sort())
})

test('OIDC-02: includes and triggers of a job never change the form of its subject', () => {
  const { included: _, ...pipeline } = FACTS.pipeline
  const audience = 'sts.example.com'
  const usual = claimsOf(FACTS, { audience })
  assert.equal(usual.aud, audience)
  assert.equal(usual.sub, 'repo:octocat/hello:0m3v9k2qd8c1h5x7w4tz.1296269:ref:refs/heads/main')
  const other = { ...FACTS, pipeline, runner: { name: 'x', link: 'dialled' }, stranger: true }
  assert.equal(claimsOf(other, { audience }).sub, usual.sub)
  // What is unknown is absent.
  const { forgeId: __, forgeOwnerId: ___, ...polled } = FACTS.repository
  const bare = { ...FACTS, repository: { ...polled, name: 'hello', cloneUrl: '/srv/hello' } }
  const claims = claimsOf(bare, { audience })
  for (const name of ['repository_id', 'owner', 'owner_id', 'forge_host'])
    assert.ok(!(name in claims), name)
})
