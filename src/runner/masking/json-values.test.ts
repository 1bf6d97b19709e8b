import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonValues } from './json-values.ts'

test('takes each text of eight characters or more out of JSON, however deep', () => {
  const json = { a: 'long enough', b: ['another one', { c: 'deep down', d: 'short' }], n: 12345678 }
  const expected = ['long enough', 'another one', 'deep down']
  assert.deepEqual(new Set(jsonValues(JSON.stringify(json))), new Set(expected))
  assert.deepEqual(
    new Set(jsonValues(`\n ${JSON.stringify(json, undefined, 2)}\n`)),
    new Set(expected),
  )
  assert.deepEqual(jsonValues(JSON.stringify(['x\ny and more'])), ['x\ny and more'])
})

test('takes nothing out of what is no JSON, and not without end', () => {
  for (const text of ['', 'plain', '{broken', '"a text by itself"', '[1, 2]', '{}']) {
    assert.deepEqual(jsonValues(text), [])
  }
  const many = JSON.stringify(Array.from({ length: 1000 }, (_, n) => `value number ${n}`))
  assert.equal(jsonValues(many).length, 200)
  assert.deepEqual(jsonValues(`${'['.repeat(20_000)}"deep deep down"${']'.repeat(20_000)}`), [
    'deep deep down',
  ])
})
