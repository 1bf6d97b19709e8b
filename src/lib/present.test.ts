import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from './present.ts'

test('what is undefined or null is absent, and everything else is there as it was', () => {
  const list: string[] = []
  const found = present({ gone: undefined, none: null, zero: 0, empty: '', no: false, list })
  assert.deepEqual(Object.keys(found), ['zero', 'empty', 'no', 'list'])
  assert.deepEqual(found, { zero: 0, empty: '', no: false, list })
  assert.equal(found.list, list)
})

test('the properties may be given where they are optional, and not undefined', () => {
  const shown: { readonly name?: string; readonly id: number } = {
    id: 1,
    ...present({ name: undefined as string | undefined }),
  }
  assert.deepEqual(shown, { id: 1 })
  assert.ok(!('name' in shown))
})
