import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from './within.ts'

const late = new Error('it took too long')

test('returns the result of work that ends in time', async () => {
  assert.equal(await within(60_000, Promise.resolve('done'), late), 'done')
  const failed = Promise.reject(new Error('its own'))
  await assert.rejects(within(60_000, failed, late), /its own/)
})

test('rejects with the reason after the timeout', async ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const waiting = within(100, new Promise<void>(() => undefined), late)
  mock.timers.tick(100)
  await assert.rejects(waiting, late)
})
