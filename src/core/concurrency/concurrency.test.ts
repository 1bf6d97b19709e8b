import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GroupMember, supersededBy, supersederOf } from './concurrency.ts'

function member(number: number, over: Partial<GroupMember> = {}): GroupMember {
  return {
    id: `job_${number}`,
    pipelineId: `pipeline_${number}`,
    pipelineNumber: number,
    ref: 'refs/heads/main',
    jobName: 'deploy',
    position: 0,
    state: 'waiting',
    since: number,
    ...over,
  }
}

test('a newer pipeline supersedes older ones of its ref only', () => {
  const others = [
    member(1, { state: 'holding' }),
    member(2, { state: 'blocked' }),
    member(3, { ref: 'refs/heads/other' }),
    member(5),
  ]
  const own = member(4)
  assert.deepEqual(
    supersededBy(others, own).map(({ pipelineNumber }) => pipelineNumber),
    [1, 2],
  )
  assert.equal(supersederOf(others, own)?.pipelineNumber, 5)
  assert.equal(supersederOf(others, member(5)), undefined)
})
