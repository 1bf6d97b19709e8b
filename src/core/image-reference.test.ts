import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NarwhalError } from '../lib/errors.ts'
import { parseImageReference } from './image-reference.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

const GOOD: readonly (readonly [string, string, string])[] = [
  ['node', 'node', 'latest'],
  ['node:24', 'node', '24'],
  ['debian:stable-slim', 'debian', 'stable-slim'],
  ['narwhal-test/busybox:latest', 'narwhal-test/busybox', 'latest'],
  ['ghcr.io/team/x__y/z:V1.2_3', 'ghcr.io/team/x__y/z', 'V1.2_3'],
  ['localhost:5000/a', 'localhost:5000/a', 'latest'],
  ['[::1]:5000/a:b', '[::1]:5000/a', 'b'],
  [`node@${DIGEST}`, 'node', DIGEST],
  [`node:24@${DIGEST}`, 'node', DIGEST],
]

test('reads what registries accept', () => {
  for (const [text, name, version] of GOOD) {
    const reference = parseImageReference(text)
    assert.deepEqual([reference.name, reference.version], [name, version])
  }
})

test('refuses what can not be an image, as the input of the user', () => {
  const bad = [
    '',
    ' ',
    'scratch',
    'Node',
    'ghcr.io/Team/x',
    'alpine --privileged',
    '../x',
    '/x',
    'a//b',
    'a/',
    '-x',
    'node:',
    'node:-x',
    'node@sha256:abc',
    'a b',
    'a\nb',
    'a?b=c',
    'a%2fb',
    'a#b',
    'http://host/a',
    `${'a/'.repeat(200)}a`,
    'a'.repeat(100_000),
  ]
  for (const text of bad) {
    assert.throws(
      () => parseImageReference(text),
      (error) => error instanceof NarwhalError && error.code === 'invalid',
      text,
    )
  }
})
