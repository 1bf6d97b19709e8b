import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { TokenFacts } from '../../src/contract/id-tokens/claims.ts'
import { discoveryDocument, keySet } from '../../src/contract/id-tokens/documents.ts'
import { SIGNS_FOR_MS } from '../../src/core/id-token/id-token-keys.ts'
import { IdTokenMinter } from '../../src/dispatcher/id-tokens/minter.ts'
import { ensureIdTokenKeys, rotateIdTokenKeys } from '../../src/vault/id-token-keys.ts'
import { Vault } from '../../src/vault/vault.ts'
import { Verifier } from '../support/id-tokens.ts'
import { openTestStore } from '../support/test-store.ts'
import { TESTER } from '../support/tester.ts'

const ISSUER = 'https://tokens.example.com/ci'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const FACTS: Omit<TokenFacts, 'ids'> = {
  repository: { id: 'repo_1', name: 'acme/app', forge: 'git', cloneUrl: '/srv/app' },
  event: { kind: 'push', ref: 'refs/heads/main', sha: 'a'.repeat(40) },
  stranger: false,
  pipeline: { id: 'pipeline_1', number: 1 },
  job: { id: 'job_1', name: 'deploy', attempt: 1 },
  runner: { name: 'one', link: 'in-process' },
}

/** Keys and an issuer of tokens, at a time controlled by the test; verifiers read the same keys. */
async function openWorld() {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => mock.timers.reset())
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const deps = { store, vault }
  const minter = new IdTokenMinter({ ...deps, issuer: ISSUER })
  const fetchDocument = async (path: string): Promise<object> =>
    path.endsWith('jwks.json')
      ? keySet(await store.idTokens.listKeys(), Date.now())
      : discoveryDocument(ISSUER)
  const owned = stack.move()
  return {
    deps,
    minter,
    mint: async (lifetimeMs?: number, endsAt = Infinity) =>
      (await minter.mint({ audience: 'a', ...(lifetimeMs ? { lifetimeMs } : {}) }, FACTS, endsAt))
        .token,
    verifier: (cacheMs: number) => new Verifier(ISSUER, fetchDocument, { cacheMs }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('OIDC-03: a verifier that refreshes once a day accepts every token, across two key rotations', async () => {
  await using world = await openWorld()
  await ensureIdTokenKeys(world.deps)
  const slow = world.verifier(DAY_MS)
  const quick = world.verifier(0)
  const kids = new Set<string>()
  for (let hours = 0; hours < (2.2 * SIGNS_FOR_MS) / HOUR_MS; hours += 5) {
    // As a process that checks once an hour, and sometimes does not.
    await ensureIdTokenKeys(world.deps)
    const token = await world.mint(HOUR_MS)
    kids.add(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid)
    await slow.verify(token, 'a')
    mock.timers.setTime(Date.now() + HOUR_MS - 1000)
    // Shortly before its end, and whatever has become of its key.
    await quick.verify(token, 'a')
    mock.timers.setTime(Date.now() + 4 * HOUR_MS)
    await assert.rejects(slow.verify(token, 'a'), /expired/)
  }
  assert.equal(kids.size, 3)
})

test('OIDC-04: a key that was rotated early is published for a day before it signs', async () => {
  await using world = await openWorld()
  await ensureIdTokenKeys(world.deps)
  const slow = world.verifier(DAY_MS)
  await slow.verify(await world.mint(), 'a')
  await rotateIdTokenKeys(world.deps, { now: false, by: TESTER })
  // A second call has nothing to add.
  const keys = await rotateIdTokenKeys(world.deps, { now: false, by: TESTER })
  assert.equal(keys.length, 2)
  for (let hours = 0; hours < 60; hours++) {
    await slow.verify(await world.mint(), 'a')
    mock.timers.setTime(Date.now() + HOUR_MS)
  }
  assert.equal(keySet(await world.deps.store.idTokens.listKeys(), Date.now()).keys.length, 1)
})

test('OIDC-05: after `rotate --now`, tokens of the previous keys are rejected by verifiers that refresh', async () => {
  await using world = await openWorld()
  await ensureIdTokenKeys(world.deps)
  const before = await world.mint()
  await world.verifier(0).verify(before, 'a')
  const [former] = await world.deps.store.idTokens.listKeys()
  const keys = await rotateIdTokenKeys(world.deps, { now: true, by: TESTER })
  // Both were created at the same moment here, so their order says nothing.
  assert.equal(keys.find(({ kid }) => kid === former?.kid)?.sealed, '')
  await assert.rejects(world.verifier(0).verify(before, 'a'), /shows no key/)
  await world.verifier(0).verify(await world.mint(), 'a')
})

test('OIDC-06: a token is valid from half a minute before its creation until the job’s end', async () => {
  await using world = await openWorld()
  const now = Date.now()
  const at = world.verifier(0)
  const claims = await at.verify(await world.mint(), 'a')
  assert.deepEqual(
    [claims.iat, claims.nbf, claims.exp],
    [now / 1000 - 30, now / 1000 - 30, now / 1000 + 300],
  )
  const last = await at.verify(await world.mint(HOUR_MS, now + 90_000), 'a')
  assert.equal(last.exp, now / 1000 + 90)
  const ids = await Promise.all([world.mint(), world.mint()])
  assert.notEqual(ids[0], ids[1])
})

test('OIDC-07: no token is made with an issuer that no cloud accepts', async () => {
  await using world = await openWorld()
  for (const issuer of [undefined, 'http://ci.example.com', 'http://127.0.0.1:4747']) {
    const minter = new IdTokenMinter({ ...world.deps, ...(issuer ? { issuer } : {}) })
    assert.match(minter.trouble ?? '', /--oidc-issuer/)
    await assert.rejects(minter.mint({ audience: 'a' }, FACTS, Infinity), /--oidc-issuer/)
  }
  assert.deepEqual(await world.deps.store.idTokens.listKeys(), [])
})
