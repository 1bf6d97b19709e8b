import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRef } from '../../src/core/commit-event.ts'
import { startUp } from '../support/installation.ts'
import { bearer } from '../support/tokens.ts'

/** Names that lead elsewhere, or that look different from what they are. */

test('SEC-25: no repository can be registered under a name that leads elsewhere', async () => {
  await using narwhal = await startUp()
  const register = async (name: string): Promise<Response> =>
    await fetch(`${narwhal.url}/api/v1/repositories`, {
      method: 'POST',
      headers: { ...bearer(narwhal.token), 'content-type': 'application/json' },
      body: JSON.stringify({ name, cloneUrl: '/nowhere/at/all' }),
    })
  const refused = [
    '../../x',
    'a/b/../c',
    '..',
    '.',
    'a/.',
    './a',
    'a//b',
    '/a',
    'a/\u202ecba',
    'a\nb',
    'a/\u0000',
  ]
  for (const name of refused) {
    const answer = await register(name)
    assert.equal(answer.status, 400, JSON.stringify(name))
    const { problems } = (await answer.json()) as { problems?: { path: string }[] }
    assert.deepEqual(
      problems?.map(({ path }) => path),
      ['body/name'],
      JSON.stringify(name),
    )
  }
  assert.deepEqual(await narwhal.client.listRepositories(), [])
})

test('SEC-25b: refs with invisible or direction-changing characters are rejected', () => {
  const hostile = [
    '\u202e',
    '\u2066',
    '\u2028',
    '\u200b',
    '\u200f',
    '\u0085',
    '\u001b',
    '\n',
    '\ufeff',
  ]
  for (const character of hostile) {
    const ref = `refs/heads/a${character}b`
    assert.ok(!isRef(ref), JSON.stringify(ref))
  }
  for (const name of ['a-b', 'feature/x.y', 'ü', '\u65e5\u672c', '\u{1f433}']) {
    assert.ok(isRef(`refs/heads/${name}`), name)
  }
})
