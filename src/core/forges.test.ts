import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  FORGE_KINDS,
  FORGES,
  type ForgeKind,
  forgeApiUrl,
  forgeAt,
  forgeFacts,
  forgeKindAt,
  requestOf,
  requestRefs,
} from './forges.ts'

test('a repository is registered as a forge with webhooks, or as git', () => {
  const withWebhooks = FORGE_KINDS.filter((kind) => forgeFacts(kind).webhook)
  assert.deepEqual(FORGES, [...withWebhooks, 'git'])
  for (const kind of ['github', 'gitea', 'gitlab'])
    assert.ok(withWebhooks.some((one) => one === kind))
  assert.ok(!withWebhooks.some((kind) => kind.startsWith('bitbucket')))
})

test('knows the kind of forge by a host, however it is written', () => {
  assert.equal(forgeKindAt('GitHub.com'), 'github')
  assert.equal(forgeKindAt('codeberg.org'), 'gitea')
  assert.equal(forgeKindAt('gitea.com'), 'gitea')
  assert.equal(forgeKindAt('github.com.example.org'), undefined)
  assert.equal(forgeKindAt(''), undefined)
})

test('a repository at a host whose webhooks are not read is registered as git', () => {
  assert.equal(forgeKindAt('bitbucket.org'), 'bitbucket')
  assert.equal(forgeAt('bitbucket.org'), 'git')
  assert.equal(forgeAt('gitlab.com'), 'gitlab')
  assert.equal(forgeAt('git.example.com'), 'git')
})

test('no host is of two kinds, and each is written as URLs have it', () => {
  const hosts = FORGE_KINDS.flatMap((kind) => forgeFacts(kind).hosts)
  assert.equal(new Set(hosts).size, hosts.length)
  for (const host of hosts) assert.equal(new URL(`https://${host}`).host, host)
})

function apiUrl(kind: ForgeKind, scheme: string, host: string): string {
  return forgeApiUrl(kind, { scheme, host })
}

test('the API of a host of one’s own is below it, and that of a known one where it is', () => {
  assert.equal(apiUrl('github', 'https:', 'github.com'), 'https://api.github.com')
  assert.equal(apiUrl('github', 'https:', 'ghe.example.com'), 'https://ghe.example.com/api/v3')
  assert.equal(apiUrl('gitea', 'http:', '10.0.0.1:3000'), 'http://10.0.0.1:3000/api/v1')
  assert.equal(apiUrl('gitlab', 'https:', 'gitlab.com'), 'https://gitlab.com/api/v4')
  for (const host of ['bitbucket.org', 'git.example.com']) {
    assert.equal(apiUrl('bitbucket', 'https:', host), 'https://api.bitbucket.org/2.0')
  }
  const below = { scheme: 'https:', host: 'example.com', root: '/git' }
  assert.equal(forgeApiUrl('gitea', below), 'https://example.com/git/api/v1')
})

test('a request is known by its ref, at the forges that have such refs', () => {
  assert.deepEqual(requestRefs('gitea'), ['refs/pull/*/head'])
  assert.deepEqual(requestRefs('gitlab'), ['refs/merge-requests/*/head'])
  assert.deepEqual(requestRefs('git'), [])
  assert.deepEqual(requestOf('refs/pull/7/head'), { number: '7', sign: '#' })
  assert.deepEqual(requestOf('refs/merge-requests/7/head'), { number: '7', sign: '!' })
  const others = [
    'refs/heads/7/head',
    'refs/pull/7/merge',
    'refs/pull/x/head',
    'refs/pull/7/head/1',
  ]
  for (const ref of [...others, 'x/refs/pull/7/head', ''])
    assert.equal(requestOf(ref), undefined, ref)
})
