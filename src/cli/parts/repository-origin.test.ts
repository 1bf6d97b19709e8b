import assert from 'node:assert/strict'
import { mkdir, realpath } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readOrigin } from './repository-origin.ts'

const URLS: [string, string, string][] = [
  ['https://github.com/octocat/hello', 'octocat/hello', 'github'],
  ['https://github.com/octocat/hello.git', 'octocat/hello', 'github'],
  ['git@github.com:octocat/hello.git', 'octocat/hello', 'github'],
  ['ssh://git@git.example.com:2222/team/sub/app.git', 'team/sub/app', 'git'],
  ['https://gitlab.com/team/sub/app.git', 'team/sub/app', 'gitlab'],
  ['git@codeberg.org:ada/whale.git', 'ada/whale', 'gitea'],
  ['host:~/app', 'app', 'git'],
  ['http://127.0.0.1:3000/a%20b/', 'a-20b', 'git'],
]
for (const [url, name, forge] of URLS) {
  test(`derives ${name} from ${url}`, async () => {
    assert.deepEqual(await readOrigin(url, '/'), { cloneUrl: url, name, forge })
  })
}

test('makes a relative path absolute, up to the root of its checkout', async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('my app', '.git'), { recursive: true })
  await mkdir(dir.join('my app', 'src'))
  const root = await realpath(dir.join('my app'))
  const expected = { cloneUrl: root, name: 'my-app', forge: 'git' }
  assert.deepEqual(await readOrigin('.', root), expected)
  assert.deepEqual(await readOrigin('..', dir.join('my app', 'src')), expected)
  assert.deepEqual(await readOrigin('my app', dir.path), expected)
})

test('takes an absolute path as it is: it may be one of the server', async () => {
  assert.deepEqual(await readOrigin('/srv/git/app.git', '/'), {
    cloneUrl: '/srv/git/app.git',
    name: 'app',
    forge: 'git',
  })
})

test('refuses a folder that is not there', async () => {
  await assert.rejects(readOrigin('octocat/hello', '/nowhere'), /no folder at .*URL like/)
})
