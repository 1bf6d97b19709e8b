import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { PlanCommitResponseSchema } from '../contract/gen/narwhal/v1/runner_pb.js'
import { planResult } from './plan-result.ts'

function resultOf(jobs: readonly { name: string; needs?: string[] }[]) {
  const value = { name: 'x', jobs: jobs.map((job) => ({ ...job })) }
  return planResult(create(PlanCommitResponseSchema, { result: { case: 'plan', value } }))
}

test('refuses a plan that could never end', () => {
  const never = [
    [],
    [{ name: 'a', needs: ['b'] }],
    [{ name: 'a' }, { name: 'a' }],
    [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['a'] },
    ],
  ]
  for (const jobs of never) {
    assert.throws(() => resultOf(jobs), { code: 'invalid' }, JSON.stringify(jobs))
  }
  assert.equal(resultOf([{ name: 'b', needs: ['a'] }, { name: 'a' }]).result.ok, true)
})
