import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { test } from 'node:test'
import { NarwhalError } from '../../../lib/errors.ts'
import { orNoSpace } from './no-space.ts'

test('a full disk is one, whichever program was writing', async () => {
  await using full = await open('/dev/full', 'w')
  const error = await full.write('x').then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error)
  const { code, message } = NarwhalError.from(orNoSpace(error))
  assert.deepEqual([code, message], ['exhausted', 'there is no space left to unpack it'])
  const other = new Error('other')
  assert.equal(orNoSpace(other), other)
})
