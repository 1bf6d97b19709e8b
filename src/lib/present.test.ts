import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from './present.ts'

test('drops undefined and null, and keeps everything else', () => {
  const list: string[] = []
  const found = present({ gone: undefined, none: null, zero: 0, empty: '', no: false, list })
  assert.deepEqual(Object.keys(found), ['zero', 'empty', 'no', 'list'])
  assert.deepEqual(found, { zero: 0, empty: '', no: false, list })
  assert.equal(found.list, list)
})

test('the result fits exact optional properties', () => {
  const shown: { readonly name?: string; readonly id: number } = {
    id: 1,
    ...present({ name: undefined as string | undefined }),
  }
  assert.deepEqual(shown, { id: 1 })
  assert.ok(!('name' in shown))
})
