import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgeTarget } from './link-forge.ts'

const target = (
  cloneUrl: string,
  forge: 'github' | 'git' = 'git',
  given: Parameters<typeof forgeTarget>[1] = {},
) => {
  const { forge: kind, apiUrl, project } = forgeTarget({ name: 'me/app', forge, cloneUrl }, given)
  return `${kind} ${apiUrl} ${project}`
}

test('derives from a clone URL where its forge accepts statuses', () => {
  const usual = 'github https://api.github.com octocat/hello'
  assert.equal(target('https://github.com/octocat/hello.git'), usual)
  assert.equal(target('git@github.com:octocat/hello.git'), usual)
  assert.equal(target('ssh://git@github.com:22/octocat/hello', 'github'), usual)
  assert.equal(
    target('git@bitbucket.org:team/app.git'),
    'bitbucket https://api.bitbucket.org/2.0 team/app',
  )
  assert.equal(target('https://codeberg.org/a/b'), 'gitea https://codeberg.org/api/v1 a/b')
  assert.equal(
    target('https://gitlab.com/group/sub/app.git/'),
    'gitlab https://gitlab.com/api/v4 group/sub/app',
  )
  assert.equal(
    target('https://git.example.com:3000/team/app.git', 'git', { forge: 'gitea' }),
    'gitea https://git.example.com:3000/api/v1 team/app',
  )
  assert.equal(
    target('http://10.0.0.1:3000/team/app', 'git', { forge: 'gitea' }),
    'gitea http://10.0.0.1:3000/api/v1 team/app',
  )
  assert.equal(
    target('https://ghe.example.com/team/app', 'github'),
    'github https://ghe.example.com/api/v3 team/app',
  )
  const all = { forge: 'gitlab', apiUrl: 'http://10.0.0.1/api/v4/', project: 'x/y' } as const
  assert.equal(target('/srv/git/app', 'git', all), 'gitlab http://10.0.0.1/api/v4 x/y')
})

test('names what must be given if the clone URL does not tell', () => {
  assert.throws(() => target('https://git.example.com/team/app'), {
    code: 'invalid',
    message: /give `forge` \(github, gitea, .* or bitbucket\)$/,
  })
  assert.throws(() => target('/srv/git/app', 'git', { forge: 'gitea' }), {
    message: /give `apiUrl`, `project`/,
  })
  assert.throws(() => target('https://codeberg.org/app'), { message: /give `project`/ })
})
