import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTooDeep, scanAddress } from './scan-payload.ts'

const PLACE = { object: 'repository', name: 'full_name' }

function scanned(json: string): unknown {
  return scanAddress(Buffer.from(json), PLACE)
}

test("finds the repository in each of GitHub's own example payloads that names one", () => {
  const module: unknown = createRequire(import.meta.url)('@octokit/webhooks-examples')
  const events = ((module as { default?: unknown }).default ?? module) as {
    examples: { repository?: { id: number; full_name: string } }[]
  }[]
  const payloads = events.flatMap(({ examples }) => examples)
  assert.ok(payloads.length > 200)
  for (const payload of payloads) {
    const { repository } = payload
    const expected = repository && { forgeId: repository.id, fullName: repository.full_name }
    assert.deepEqual(scanned(JSON.stringify(payload)), expected)
    assert.deepEqual(scanned(JSON.stringify(payload, undefined, 2)), expected)
  }
})

test('finds it in whatever stands around it', () => {
  const key = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue()),
      fc.dictionary(key, fc.jsonValue()),
      fc.string({ unit: 'binary', maxLength: 300 }).map((text) => text.toWellFormed()),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      (around, inside, name, id) => {
        const { repository: _, ...before } = around
        const json = JSON.stringify({
          ...before,
          repository: { ...inside, id, full_name: name },
          after: around,
        })
        // Whole numbers come first in an object, so a part of it may stand before.
        assert.deepEqual(scanned(json), { forgeId: id, fullName: name })
      },
    ),
  )
})

test('tells nothing of what is no address, and never throws', () => {
  const wrong = [
    '',
    '[]',
    '{',
    '"',
    '{"repository":',
    '{"repository":{"id":',
    '{"repository":{"id":1,"full_name":"a',
    '{"repository":{"id":1}}',
    '{"repository":{"id":1.5,"full_name":"a/b"}}',
    '{"repository":{"id":-1,"full_name":"a/b"}}',
    '{"repository":{"id":"1","full_name":"a/b"}}',
    '{"repository":{"id":12345678901234567890123,"full_name":"a/b"}}',
    `{"repository":{"id":1,"full_name":"${'x'.repeat(301)}"}}`,
    '{"a":{"repository":{"id":1,"full_name":"a/b"}}}',
    '{"repository":[{"id":1,"full_name":"a/b"}]}',
    '{"repository":{"deep":{"id":1,"full_name":"a/b"}}}',
    '{"x":"repository","id":1,"full_name":"a/b"}',
    '"repository":{"id":1,"full_name":"a/b"}',
  ]
  for (const json of wrong) assert.equal(scanned(json), undefined, json)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      scanAddress(bytes, PLACE)
      isTooDeep(bytes)
    }),
  )
})

test('knows what nests deeper than any payload, but not by what stands in texts', () => {
  assert.equal(isTooDeep(Buffer.from('['.repeat(201) + ']'.repeat(201))), true)
  assert.equal(isTooDeep(Buffer.from('[{"a":'.repeat(101))), true)
  assert.equal(isTooDeep(Buffer.from('['.repeat(200) + ']'.repeat(200))), false)
  assert.equal(isTooDeep(Buffer.from('[[],'.repeat(1000))), true)
  assert.equal(isTooDeep(Buffer.from(`[${'[],'.repeat(1000)}1]`)), false)
  assert.equal(isTooDeep(Buffer.from(JSON.stringify(`\\"${'['.repeat(500)}`))), false)
})
