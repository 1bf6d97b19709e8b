import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { LoadMeter } from './load.ts'

test('measures what the machine has used since the last sample', async () => {
  const meter = new LoadMeter(tmpdir())
  const sample = await eventually(async () => {
    // The machine counts in hundredths of a second.
    const until = performance.now() + 50
    while (performance.now() < until);
    const { cpu, ...rest } = await meter.sample()
    return cpu > 0 ? { cpu, ...rest } : null
  })
  assert.ok(sample.cpu <= 1)
  assert.ok(sample.load >= 0)
  assert.ok(sample.memoryUsedBytes > 0 && sample.memoryUsedBytes < sample.memoryTotalBytes)
  assert.ok(sample.diskFreeBytes > 0)
})
