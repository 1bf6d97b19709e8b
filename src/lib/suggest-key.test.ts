import assert from 'node:assert/strict'
import { test } from 'node:test'
import { suggestKey } from './suggest-key.ts'

const KEYS = ['name', 'image', 'env', 'command', 'needs']

const MEANT: readonly (readonly [string, string | undefined])[] = [
  ['comand', 'command'],
  ['commnad', 'command'],
  ['Command', 'command'],
  ['imgae', 'image'],
  ['nam', 'name'],
  ['envs', 'env'],
  ['run', 'command'],
  ['scirpt', 'command'],
  ['depends_on', 'needs'],
  // Known elsewhere, but not here.
  ['packages', undefined],
  ['privileged', undefined],
  ['x', undefined],
  ['', undefined],
  ['constructor', undefined],
  ['c'.repeat(100_000), undefined],
]

test('finds the key that was meant', () => {
  for (const [key, meant] of MEANT) assert.equal(suggestKey(key, KEYS), meant, key.slice(0, 20))
})
