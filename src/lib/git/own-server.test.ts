import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizationFor } from './git-credentials.ts'

test('credentials are for the server of the clone URL alone, and never for one without TLS after it', () => {
  const isSentTo = (own: string, url: string): boolean => {
    const clone = { url: own, credentials: { http: { username: 'ada', password: 'pass' } } }
    const header = authorizationFor(clone, url)
    if (header !== undefined) assert.equal(header, `Basic ${btoa('ada:pass')}`)
    return header !== undefined
  }
  const own = 'https://git.example.com/octo/hello'
  for (const url of [own, 'https://git.example.com/other', 'https://git.example.com:443/x']) {
    assert.ok(isSentTo(own, url), url)
  }
  const others = [
    'http://git.example.com/octo/hello',
    'https://git.example.com:8443/octo/hello',
    'https://git.example.com.evil.example/octo/hello',
    'https://evil.example/octo/hello',
    'git@git.example.com:octo/hello',
    '/srv/octo/hello',
    '',
  ]
  for (const url of others) assert.ok(!isSentTo(own, url), url)
  const plain = 'http://git.example.com/octo/hello'
  assert.ok(isSentTo(plain, own))
  assert.ok(!isSentTo(plain, 'https://git.example.com:8443/octo/hello'))
  assert.ok(!isSentTo('http://git.example.com:3000/octo/hello', own))
  assert.equal(authorizationFor({ url: own }, own), undefined)
})
