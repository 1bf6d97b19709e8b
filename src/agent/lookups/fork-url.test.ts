import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forkUrl } from './fork-url.ts'

test('a fork is at the same server, in the place of the repository', () => {
  for (const [own, expected] of [
    ['https://git.example.com/acme/app.git', 'https://git.example.com/forker/app.git'],
    ['https://git.example.com/deep/acme/app', 'https://git.example.com/deep/forker/app'],
    ['http://10.0.0.1:3000/acme/app.git/', 'http://10.0.0.1:3000/forker/app.git/'],
    ['git@git.example.com:acme/app.git', 'git@git.example.com:forker/app.git'],
    [
      'ssh://git@git.example.com:2222/acme/app.git',
      'ssh://git@git.example.com:2222/forker/app.git',
    ],
  ] as const) {
    assert.equal(forkUrl(own, 'forker/app')?.url, expected)
  }
})

test('a fork is nowhere else', () => {
  for (const own of ['/srv/git/acme/app.git', 'https://git.example.com/app.git']) {
    assert.equal(forkUrl(own, 'forker/app'), undefined, own)
  }
  for (const path of ['forker', '../app', 'a/..', 'a/b/c', '-u/app', 'a/b?c', 'a@b/c', 'a:b/c']) {
    assert.equal(forkUrl('https://git.example.com/acme/app.git', path), undefined, path)
  }
})
