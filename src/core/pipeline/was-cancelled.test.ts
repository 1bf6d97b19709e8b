import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, aPipeline } from './fixtures.ts'
import { wasCancelled } from './was-cancelled.ts'

const CANCELLED = { status: 'finished', outcome: 'cancelled', finishedAt: 9 } as const

test('a pipeline or a job was cancelled just then, or was not', () => {
  const cancelled = aJob({ name: 'a' }, { state: { ...CANCELLED, attempt: 1 } })
  const draft = { pipeline: aPipeline(), jobs: [cancelled, aJob({ name: 'b' })] }
  assert.ok(wasCancelled(draft, 9, undefined))
  assert.ok(wasCancelled(draft, 9, 'job_a'))
  assert.ok(!wasCancelled(draft, 9, 'job_b'))
  assert.ok(!wasCancelled(draft, 10, undefined))
  assert.ok(wasCancelled({ pipeline: aPipeline({ state: CANCELLED }), jobs: [] }, 9, undefined))
})
