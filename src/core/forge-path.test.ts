import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clonePlace, forgePathOf, pathAtForge } from './forge-path.ts'

test('tells where a clone URL leads, in each of its forms', () => {
  const at = (scheme: string, host: string, path: string) => ({ scheme, host, path })
  const cases = {
    'https://git.example.com/octo/hello.git': at('https:', 'git.example.com', 'octo/hello'),
    'http://10.0.0.1:3000/octo/hello/': at('http:', '10.0.0.1:3000', 'octo/hello'),
    'ssh://git@git.example.com:2222/octo/hello.git': at('https:', 'git.example.com', 'octo/hello'),
    'git@git.example.com:octo/hello.git': at('https:', 'git.example.com', 'octo/hello'),
    'git.example.com:/octo/hello': at('https:', 'git.example.com', 'octo/hello'),
    'https://git.example.com/octo/a%20b%2': at('https:', 'git.example.com', 'octo/a%20b%2'),
    'https://git.example.com/octo/%C3%A4.git': at('https:', 'git.example.com', 'octo/ä'),
  }
  for (const [url, place] of Object.entries(cases)) assert.deepEqual(clonePlace(url), place, url)
  for (const path of ['/srv/git/octo/hello.git', '', 'https://', 'hello']) {
    assert.equal(clonePlace(path), undefined, path)
  }
})

test('a path at a forge is an owner and a name, or a project in nested groups', () => {
  const place = clonePlace('https://example.com/git/octo/hello.git')
  assert.deepEqual(pathAtForge('gitea', place), { path: 'octo/hello', root: '/git' })
  assert.deepEqual(pathAtForge('gitlab', place), { path: 'git/octo/hello', root: '' })
  assert.deepEqual(pathAtForge(undefined, place), { path: 'git/octo/hello', root: '' })
  assert.equal(pathAtForge('gitea', clonePlace('https://example.com/hello.git')), undefined)
})

test("a repository's path at its forge is that of its clone URL, and its name only for a folder", () => {
  const named = { name: 'team/app', forge: 'github' } as const
  const of = (cloneUrl: string) => forgePathOf({ ...named, cloneUrl })
  assert.equal(of('https://github.com/octo/hello'), 'octo/hello')
  assert.equal(of('git@github.com:octo/hello.git'), 'octo/hello')
  assert.equal(of('/srv/git/octo/hello.git'), 'team/app')
  assert.equal(of('https://git.example.com/hello'), 'team/app')
})
