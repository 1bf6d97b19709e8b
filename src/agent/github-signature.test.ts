import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyGithubSignature } from './github-signature.ts'

// The example of docs.github.com, "Validating webhook deliveries".
const SECRET = "It's a Secret to Everybody"
const BODY = Buffer.from('Hello, World!')
const SIGNATURE = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'

test("takes the signature of GitHub's own example", () => {
  assert.equal(verifyGithubSignature(SECRET, BODY, SIGNATURE), true)
})

test('refuses any other body, secret or signature', () => {
  const upper = SIGNATURE.toUpperCase()
  const cases: readonly [string | undefined, Buffer, string | undefined][] = [
    [SECRET, Buffer.from('Hello, World! '), SIGNATURE],
    [`${SECRET} `, BODY, SIGNATURE],
    [SECRET, BODY, undefined],
    [SECRET, BODY, ''],
    [SECRET, BODY, SIGNATURE.slice(0, -1)],
    [SECRET, BODY, `${SIGNATURE}0`],
    [SECRET, BODY, SIGNATURE.slice('sha256='.length)],
    [SECRET, BODY, SIGNATURE.replace('sha256', 'sha1')],
    [SECRET, BODY, upper],
    [SECRET, BODY, '\0'],
  ]
  for (const [secret, body, header] of cases) {
    assert.equal(verifyGithubSignature(secret, body, header), false)
  }
})

test('refuses everything where there is no secret', () => {
  // The HMAC of the body under the empty key, which anybody can make.
  const forged = 'sha256=2bbcfa9524f3218c7a34b30e6936f8b1a4516cb097f1a85a1c7d98b5977ec769'
  for (const secret of ['', undefined]) {
    assert.equal(verifyGithubSignature(secret, BODY, forged), false)
    assert.equal(verifyGithubSignature(secret, BODY, undefined), false)
  }
})
