import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whereToDial } from './where-to-dial.ts'

const one = { id: 'one', url: 'http://one' }
const two = { id: 'two', url: 'http://two' }
const blind = { id: 'blind' }
const given = ['http://a', 'http://b']
const attachedTo = (dispatcherId: string, url: string) => ({ dispatcherId, url })

test('dials what it was given while nobody tells which dispatchers there are', () => {
  assert.deepEqual(whereToDial({ attached: [], given }), given)
  assert.deepEqual(whereToDial({ seats: [], attached: [], given }), given)
  const attached = [attachedTo('one', 'http://a')]
  assert.deepEqual(whereToDial({ attached, given }), ['http://b'])
})

test('dials each dispatcher that is missing at its own URL', () => {
  const attached = [attachedTo('one', 'http://a')]
  assert.deepEqual(whereToDial({ seats: [one, two], attached, given }), ['http://two'])
  assert.deepEqual(whereToDial({ seats: [one], attached, given }), [])
})

test('seeks one that tells no URL behind all that it was given, also a URL that is in use', () => {
  const attached = [attachedTo('one', 'http://a')]
  assert.deepEqual(whereToDial({ seats: [one, blind], attached, given }), given)
  const seats = [{ id: 'x', url: 'http://b' }, blind]
  assert.deepEqual(whereToDial({ seats, attached: [], given }), ['http://b', 'http://a'])
})
