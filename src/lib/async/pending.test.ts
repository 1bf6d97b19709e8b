import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pending } from './pending.ts'

test('counts what has not settled, and waits for it, whatever becomes of it', async () => {
  const pending = new Pending()
  await pending.settled()
  const good = Promise.withResolvers<string>()
  const bad = Promise.withResolvers<never>()
  const added = [pending.add(good.promise), pending.add(bad.promise)]
  assert.equal(pending.size, 2)
  let isOver = false
  const over = pending.settled().then(() => (isOver = true))
  good.resolve('done')
  assert.equal(await added[0], 'done')
  assert.equal(isOver, false)
  bad.reject(new Error('broken'))
  await assert.rejects(added[1] ?? Promise.resolve(), /broken/)
  await over
  assert.equal(pending.size, 0)
})
