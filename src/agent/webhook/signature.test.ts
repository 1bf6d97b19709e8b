import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProofForm } from '../../forge/proof.ts'
import { provenBy } from './signature.ts'

// The example of docs.github.com, "Validating webhook deliveries".
const SECRET = "It's a Secret to Everybody"
const BODY = 'Hello, World!'
const SIGNATURE = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'

const HMAC = { kind: 'hmac', prefix: 'sha256=' } as const

function isSigned(secret: string, body: string, shown: string, chunks = 1): boolean {
  const bytes = Buffer.from(body)
  const size = Math.ceil(bytes.length / chunks)
  const parts = Array.from({ length: chunks }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
  return provenBy(parts, { form: HMAC, shown, secrets: [secret] }) === 0
}

function isToken(secret: string, shown: string): boolean {
  const form: ProofForm = { kind: 'token' }
  return provenBy([], { form, shown, secrets: [secret] }) === 0
}

test("takes the signature of GitHub's own example, however it comes in", () => {
  for (const chunks of [1, 2, 13]) assert.equal(isSigned(SECRET, BODY, SIGNATURE, chunks), true)
})

test('refuses any other body, secret or signature', () => {
  const cases: readonly [string, string, string][] = [
    [SECRET, `${BODY} `, SIGNATURE],
    [`${SECRET} `, BODY, SIGNATURE],
    [SECRET, BODY, ''],
    [SECRET, BODY, SIGNATURE.slice(0, -1)],
    [SECRET, BODY, `${SIGNATURE}0`],
    [SECRET, BODY, SIGNATURE.slice('sha256='.length)],
    [SECRET, BODY, SIGNATURE.replace('sha256', 'sha1')],
    [SECRET, BODY, SIGNATURE.toUpperCase()],
    [SECRET, BODY, '\0'],
  ]
  for (const [secret, body, proof] of cases) assert.equal(isSigned(secret, body, proof), false)
})

test('refuses everything where there is no secret', () => {
  // The HMAC of the body under the empty key, which anybody can make.
  const forged = 'sha256=2bbcfa9524f3218c7a34b30e6936f8b1a4516cb097f1a85a1c7d98b5977ec769'
  assert.equal(isSigned('', BODY, forged), false)
  assert.equal(isToken('', ''), false)
})

test('takes the very secret of who signs nothing', () => {
  assert.equal(isToken('secret', 'secret'), true)
  for (const wrong of ['', 'secre', 'secret ', 'Secret']) {
    assert.equal(isToken('secret', wrong), false)
  }
})

test('tells which of two secrets has signed', () => {
  const by = (secrets: readonly string[]): number =>
    provenBy([Buffer.from(BODY)], { form: HMAC, shown: SIGNATURE, secrets })
  assert.equal(by([SECRET, 'former']), 0)
  assert.equal(by(['present', SECRET]), 1)
  assert.equal(by(['present', 'former']), -1)
})
