import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepsFigures, stepsTable } from './report.ts'

test('a further step is what the larger job takes longer, less the command itself', () => {
  const times = { one: [100, 110, 90], many: [140, 170, 150], command: [1, 0.5, 2] }
  assert.deepEqual(stepsFigures(times), {
    per_step_ms: 2,
    per_step_p25_ms: 1.5,
    per_step_p75_ms: 2,
    command_ms: 1,
    one_p50_ms: 100,
    many_p50_ms: 150,
  })
  assert.match(stepsTable(times).join('\n'), /one more step, over that +2\.00/)
})
