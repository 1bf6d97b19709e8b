import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameLink, type Link } from './runner.ts'

const LINKS: readonly Link[] = [
  { kind: 'in-process' },
  { kind: 'dialled', url: 'http://far:1', balanced: false },
  { kind: 'dialled', url: 'http://far:2', balanced: false },
  { kind: 'dialled', url: 'http://far:1', balanced: true },
  { kind: 'dialled', url: 'http://far:1', balanced: false, token: 'one' },
  { kind: 'dialled', url: 'http://far:1', balanced: false, token: 'two' },
  { kind: 'attached', identityHash: 'a' },
  { kind: 'attached', identityHash: 'b' },
]

test('a link is the same as one of the same words, and as no other', () => {
  for (const [index, link] of LINKS.entries()) {
    const same = LINKS.map((other) => isSameLink(link, { ...other }))
    assert.deepEqual(
      same,
      LINKS.map((_, other) => other === index),
    )
  }
})
