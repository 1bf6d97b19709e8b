import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createToken, isTokenShaped } from './tokens.ts'

test('a token says its kind and carries a sum, and no two are the same', () => {
  const prefixes = {
    access: /^narwhal_[0-9A-Za-z]{38}$/,
    join: /^narwhal_join_[0-9A-Za-z]{38}$/,
    identity: /^narwhal_runner_[0-9A-Za-z]{38}$/,
    dial: /^narwhal_dial_[0-9A-Za-z]{38}$/,
  } as const
  for (const kind of ['access', 'join', 'identity', 'dial'] as const) {
    const token = createToken(kind)
    assert.match(token, prefixes[kind])
    assert.ok(isTokenShaped(token), token)
    assert.notEqual(token, createToken(kind))
  }
})

test('a token with one wrong character is told from a right one', () => {
  const token = createToken()
  for (let at = 'narwhal_'.length; at < token.length; at++) {
    const wrong = token.slice(0, at) + (token[at] === 'a' ? 'b' : 'a') + token.slice(at + 1)
    assert.equal(isTokenShaped(wrong), false, wrong)
  }
  for (const text of ['', 'narwhal_', 'narwhal_wrong', `x${token}`, `${token}x`]) {
    assert.equal(isTokenShaped(text), false, text)
  }
})
