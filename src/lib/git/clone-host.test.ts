import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cloneHost } from './clone-host.ts'

test('finds the host in every kind of URL', () => {
  for (const [url, host] of [
    ['https://example.com/team/r.git', 'example.com'],
    ['http://127.0.0.1:8080/r', '127.0.0.1'],
    ['ssh://git@example.com:22/team/r.git', 'example.com'],
    ['ssh://git@[::1]:22/team/r.git', '[::1]'],
    ['git@example.com:team/r.git', 'example.com'],
    ['example.com:team/r.git', 'example.com'],
    ['example:team/r.git', 'example'],
    ['/srv/git/r.git', 'local'],
    ['example.com', ''],
    ['', ''],
  ] as const) {
    assert.equal(cloneHost(url), host, url)
  }
})
