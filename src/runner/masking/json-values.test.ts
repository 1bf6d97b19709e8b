import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonValues, shortJsonValues } from './json-values.ts'

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

test('finds one text among many of the other kind, wherever it stands', () => {
  const long = Array.from({ length: 250 }, (_, n) => `value number ${n}`)
  const short = Array.from({ length: 250 }, (_, n) => `v${n}`)
  for (const texts of [
    ['long enough', ...short],
    [...short, 'long enough'],
  ]) {
    assert.deepEqual(jsonValues(JSON.stringify(texts)), ['long enough'])
  }
  for (const texts of [
    ['short', ...long],
    [...long, 'short'],
  ]) {
    assert.deepEqual(shortJsonValues(JSON.stringify(texts)), ['short'])
  }
})
