import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { checkFetchUrl, type FetchPolicy, resolveUrl } from './fetch-policy.ts'

const own = (cloneUrl: string, over: Partial<FetchPolicy> = {}): FetchPolicy => {
  return { cloneUrl, isStranger: false, hosts: [], ...over }
}

test('resolves relative URLs as git does', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  const sha = await repository.head()
  const byGit = async (url: string, base: string): Promise<string> => {
    await repository.git('config', 'remote.origin.url', base)
    await repository.git('config', '--file', '.gitmodules', 'submodule.m.path', 'm')
    await repository.git('config', '--file', '.gitmodules', 'submodule.m.url', url)
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${sha},m`)
    await repository.git('submodule', '--quiet', 'init')
    const resolved = await repository.git('config', 'submodule.m.url')
    await repository.git('config', '--remove-section', 'submodule.m')
    return resolved
  }
  const bases = [
    'https://git.example.com/team/app.git',
    'https://git.example.com/team/app/',
    'ssh://git@git.example.com:2222/team/app',
    'git@git.example.com:team/app',
    'git@git.example.com:/srv/git/app',
    'git@git.example.com:~/app',
    'git.example.com:/team/app',
    'git@[2001:db8::1]:team/app',
  ]
  for (const base of bases) {
    for (const url of ['../lib.git', './lib', '.././lib/', '../a//b', '../../lib']) {
      assert.equal(resolveUrl(url, base), await byGit(url, base), `${base} and ${url}`)
    }
  }
  for (const url of ['../../../lib', '../x/../../lib']) {
    const base = 'git@git.example.com:/team/app'
    assert.equal(resolveUrl(url, base), await byGit(url, base))
  }
  assert.equal(resolveUrl('https://a.example.com/x', bases[0] ?? ''), 'https://a.example.com/x')
})

test('a relative URL never leaves the host, where git would take its name away', () => {
  const cases = [
    ['../../lib', 'https://git.example.com/app'],
    ['../../../lib', 'ssh://git@git.example.com:22/team/app'],
    ['../../lib', 'git@git.example.com:app'],
    ['../../../lib', 'git@git.example.com:/app'],
    ['../../lib', 'git@[2001:db8::1]:app'],
  ] as const
  for (const [url, base] of cases) {
    const message = /leads out of/
    assert.throws(() => resolveUrl(url, base), { code: 'invalid', message }, `${base} and ${url}`)
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
    ['/etc', ssh, /local paths are not fetched/],
    ['./x', https, /only https/],
    ['https://user:pw@git.example.com/x', https, /only https/],
    ['https://git.example.com:1/%0ahost=evil\n', https, /only https/],
    ['ssh://-oProxyCommand=touch${IFS}x/y', ssh, /only https/],
    ['git@-oProxyCommand=x:y', ssh, /only https/],
    ['https://git.example.com/x\r', https, /only https/],
    ['https://evil.example.com/x', https, /a different host.*NARWHAL_FETCH_HOSTS/],
    ['https://git.example.com:8443/x', https, /a different host/],
    ['http://169.254.169.254/latest', https, /a different host/],
    ['http://git.example.com/x', https, /http is only used if/],
    ['http://github.com/x', https, /http is only used if/],
    ['git@git.example.com:x', https, /ssh is only used if/],
    ['git@github.com:x/y', ssh, /ssh is only used if/],
    ['git@git.example.com:secret/x', { ...ssh, isStranger: true }, /a stranger's/],
    ['git@github.com:a/b', own('/srv/git/app', { hosts: ['*'], isStranger: true }), /a stranger's/],
    ['git@github.com:a/b', own('/srv/git/app'), /a different host/],
    ['../lib', own('/srv/git/app', { hosts: ['*'] }), /only https/],
  ]
  for (const [url, policy, why] of cases) {
    assert.throws(() => checkFetchUrl(url, policy, 'it'), { code: 'invalid', message: why }, url)
  }
})
