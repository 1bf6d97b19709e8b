import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { openScratch, reapScratch } from './scratch.ts'

test('removes what a previous process of the same runner left behind, and nothing else', async () => {
  const instance = uniquePrefix()
  await using other = await openScratch(`${instance}-2`)
  const left = await openScratch(instance)
  await left.writeScript(1, 'echo')
  assert.equal(await reapScratch(instance), 1)
  await assert.rejects(stat(left.path), { code: 'ENOENT' })
  await stat(other.path)
})
