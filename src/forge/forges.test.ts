import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORGE_KINDS, FORGES, forgeFacts, hasWebhooks } from '../core/forges.ts'
import { FORGE_PORTS, forgePort } from './forges.ts'
import { proofOf } from './proof.ts'

test('what a forge can do is what its facts say', () => {
  assert.deepEqual(Object.keys(FORGE_PORTS).toSorted(), FORGE_KINDS.toSorted())
  for (const kind of FORGE_KINDS) {
    const { webhook, requests, lacks = [] } = forgeFacts(kind)
    const { hooks, authorQuestions } = forgePort(kind)
    assert.equal(hooks !== undefined, webhook !== undefined, `${kind}: webhooks`)
    assert.equal(hooks?.proof.kind === 'token', webhook?.sendsSecret === true, `${kind}: secret`)
    const mayAsk = requests !== undefined && !lacks.includes('pull requests')
    assert.equal(authorQuestions !== undefined, mayAsk, `${kind}: requests`)
  }
})

test('a trial is read as what builds nothing, of the repository that it names', () => {
  for (const forge of FORGES.filter(hasWebhooks)) {
    const { address, trial, parse } = FORGE_PORTS[forge].hooks
    const named = { [address.object]: { id: 7, [address.name]: 'ada/app' } }
    const parsed = parse(trial.eventName, { ...trial.payload, ...named })
    assert.equal(parsed.kind, 'ignored', forge)
    assert.deepEqual(parsed.repository, { forgeId: 7, fullName: 'ada/app' }, forge)
  }
})

test('a proof is of the very bytes, however they come', () => {
  const form = { kind: 'hmac', prefix: 'sha256=' } as const
  const parts = [Buffer.from('{"a"'), Buffer.from(':1}')]
  assert.equal(proofOf(form, parts, 'key'), proofOf(form, ['{"a":1}'], 'key'))
  assert.notEqual(proofOf(form, parts, 'key'), proofOf(form, ['{"a":2}'], 'key'))
  assert.match(proofOf(form, parts, 'key'), /^sha256=[0-9a-f]{64}$/)
  assert.equal(proofOf({ kind: 'token' }, parts, 'key'), 'key')
})

test('each kind of forge is asked for a repository where it has it', () => {
  const at = (kind: (typeof FORGE_KINDS)[number]) =>
    forgePort(kind).repositoryQuestion(
      { forge: kind, apiUrl: 'https://x/api', project: 'a/b' },
      'T',
    )
  const urls = FORGE_KINDS.map((kind) => [kind, at(kind).url])
  assert.deepEqual(Object.fromEntries(urls), {
    github: 'https://x/api/repos/a/b',
    gitea: 'https://x/api/repos/a/b',
    gogs: 'https://x/api/repos/a/b',
    gitlab: 'https://x/api/projects/a%2Fb',
    bitbucket: 'https://x/api/repositories/a/b',
  })
  for (const kind of FORGE_KINDS) assert.match(JSON.stringify(at(kind).headers), /\bT"/, kind)
})
