import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFetchUrl, type FetchPolicy, resolveUrl } from './fetch-policy.ts'

const own = (cloneUrl: string, over: Partial<FetchPolicy> = {}): FetchPolicy => {
  return { cloneUrl, isStranger: false, hosts: [], ...over }
}

test('resolves relative URLs as git does, within their host', () => {
  const cases = [
    ['../lib.git', 'https://git.example.com/team/app.git', 'https://git.example.com/team/lib.git'],
    ['../../x/lib', 'https://git.example.com/team/app/', 'https://git.example.com/x/lib'],
    ['./lib', 'https://git.example.com/team/app', 'https://git.example.com/team/app/lib'],
    [
      '../lib',
      'ssh://git@git.example.com:2222/team/app',
      'ssh://git@git.example.com:2222/team/lib',
    ],
    ['../lib', 'git@git.example.com:team/app', 'git@git.example.com:team/lib'],
    ['.././../lib', 'git@git.example.com:team/app', 'git@git.example.com:lib'],
    ['https://a.example.com/x', 'https://git.example.com/app', 'https://a.example.com/x'],
  ] as const
  for (const [url, base, expected] of cases) assert.equal(resolveUrl(url, base), expected)
  for (const base of ['https://git.example.com/team/app', 'git@git.example.com:team/app']) {
    assert.throws(() => resolveUrl('../../../evil.example.com/x', base), { code: 'invalid' })
  }
})

test('lets a commit name what is at the host of its repository, or at one that is allowed', () => {
  const https = own('https://git.example.com/team/app')
  const ssh = own('git@git.example.com:team/app')
  const cases: [string, FetchPolicy][] = [
    ['https://git.example.com/team/lib', https],
    ['https://GIT.example.com/team/lib', https],
    ['https://git.example.com/team/lib', ssh],
    ['ssh://git@git.example.com:22/team/lib', ssh],
    ['git@git.example.com:team/lib', own('ssh://git@git.example.com/team/app')],
    ['http://10.0.0.1:3000/lib', own('http://10.0.0.1:3000/app')],
    ['https://github.com/a/b', own('https://git.example.com/app', { hosts: ['github.com'] })],
    ['https://github.com/a/b', own('/srv/git/app', { hosts: ['*'] })],
    ['git@github.com:a/b', own('/srv/git/app', { hosts: ['github.com'] })],
  ]
  for (const [url, policy] of cases) assert.equal(checkFetchUrl(url, policy, 'it'), url)
})

test('refuses all else that a commit may name, and says why', () => {
  const https = own('https://git.example.com/team/app', { hosts: ['github.com'] })
  const ssh = own('git@git.example.com:team/app', { hosts: ['*'] })
  const cases: [string, FetchPolicy, RegExp][] = [
    ['-uevil', https, /only https/],
    ['--upload-pack=touch /tmp/x', https, /only https/],
    ['ext::sh -c id', https, /only https/],
    ['EXT::sh', https, /only https/],
    ['eXt::sh -c id', ssh, /only https/],
    ['fd::7', ssh, /only https/],
    ['https::x', https, /only https/],
    ['file:///etc', https, /only https/],
    ['/etc', ssh, /a path of the runner/],
    ['./x', https, /only https/],
    ['https://user:pw@git.example.com/x', https, /only https/],
    ['https://git.example.com:1/%0ahost=evil\n', https, /only https/],
    ['ssh://-oProxyCommand=touch${IFS}x/y', ssh, /only https/],
    ['git@-oProxyCommand=x:y', ssh, /only https/],
    ['https://git.example.com/x\r', https, /only https/],
    ['https://evil.example.com/x', https, /another host.*NARWHAL_FETCH_HOSTS/],
    ['https://git.example.com:8443/x', https, /another host/],
    ['http://169.254.169.254/latest', https, /another host/],
    ['http://git.example.com/x', https, /http is used only where/],
    ['http://github.com/x', https, /http is used only where/],
    ['git@git.example.com:x', https, /ssh is used only where/],
    ['git@github.com:x/y', ssh, /ssh is used only where/],
    ['git@git.example.com:secret/x', { ...ssh, isStranger: true }, /a stranger's/],
    ['git@github.com:a/b', own('/srv/git/app', { hosts: ['*'], isStranger: true }), /a stranger's/],
    ['git@github.com:a/b', own('/srv/git/app'), /another host/],
    ['../lib', own('/srv/git/app', { hosts: ['*'] }), /only https/],
  ]
  for (const [url, policy, why] of cases) {
    assert.throws(() => checkFetchUrl(url, policy, 'it'), { code: 'invalid', message: why }, url)
  }
})
