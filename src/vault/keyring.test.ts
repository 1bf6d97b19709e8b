import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { createKeyFile, newSealingKey, replaceKeyFile } from './key-file.ts'
import { isSealed, Keyring } from './keyring.ts'

const PLACE = ['secret', 'repo_1', 'TOKEN'] as const

test('what was sealed opens in its place, whatever it is, and shows nothing', () => {
  const ring = new Keyring()
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const sealed = ring.seal(value, PLACE)
      assert.equal(ring.open(sealed, PLACE), value)
      assert.ok(isSealed(sealed) && !isSealed(value))
      assert.equal(sealed.split(':')[2], ring.newestId)
      assert.notEqual(ring.seal(value, PLACE), sealed)
    }),
    { numRuns: 500 },
  )
  assert.ok(!ring.seal('canary-canary', PLACE).includes('canary'))
})

test('a sealed value opens in no other place, under no other key, and not when it was changed', () => {
  const ring = new Keyring()
  const sealed = ring.seal('a value', PLACE)
  const places = [
    ['secret', 'repo_2', 'TOKEN'],
    ['secret', 'repo_1', 'OTHER'],
    ['secret', 'repo_1TOKEN'],
    ['webhook secret', 'repo_1', 'TOKEN'],
  ] as const
  for (const place of places) {
    assert.throws(() => ring.open(sealed, place), { code: 'internal', message: /can't be opened/ })
  }
  const start = sealed.lastIndexOf(':') + 1
  for (let at = start; at < sealed.length - 1; at++) {
    const other = sealed[at] === 'A' ? 'B' : 'A'
    const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
    assert.throws(() => ring.open(changed, PLACE), { code: 'internal' })
  }
  assert.throws(() => ring.open('a value', PLACE), { code: 'internal' })
  assert.throws(() => new Keyring().open(sealed, PLACE), {
    code: 'unavailable',
    message: new RegExp(`sealed under key ${ring.newestId}, which is not in memory`),
  })
})

test('a key that was added to the file by another process is found', async () => {
  await using dir = await tempDir()
  const path = dir.join('keys')
  const keys = createKeyFile(path)
  const ring = new Keyring(keys, path)
  const newer = newSealingKey()
  assert.ok(!ring.has(newer.id))
  replaceKeyFile(path, [...keys, newer])
  const sealed = new Keyring([newer]).seal('a value', PLACE)
  assert.equal(ring.open(sealed, PLACE), 'a value')
  assert.equal(ring.newestId, newer.id)
})
