import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareMembers,
  type GroupMember,
  supersededBy,
  supersederOf,
  whyGroupIsFull,
} from './concurrency.ts'

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

const group = { group: 'prod', limit: 1 }

test('gives places in the order in which members came, and says who stands before', () => {
  const members = [member(7, { state: 'holding' }), member(8), member(9)].sort(compareMembers)
  assert.equal(whyGroupIsFull(members, 'job_7', group), undefined)
  const held = 'waits for prod: held by deploy of pipeline #7'
  assert.equal(whyGroupIsFull(members, 'job_8', group), held)
  assert.equal(whyGroupIsFull(members, 'job_9', group), `${held}, and behind deploy of pipeline #8`)
  assert.equal(whyGroupIsFull(members, 'job_8', { ...group, limit: 2 }), undefined)
  assert.match(whyGroupIsFull(members, 'job_9', { ...group, limit: 2 }) ?? '', /held by/)
})

test('lets nobody pass who came first, also when nobody holds a place', () => {
  const members = [member(2, { since: 5 }), member(1, { since: 9, jobName: 'other' })]
  assert.equal(whyGroupIsFull(members, 'job_2', group), undefined)
  assert.equal(
    whyGroupIsFull(members, 'job_1', group),
    'waits for prod: behind deploy of pipeline #2',
  )
  // One that waits for what it needs stands in nobody's way.
  const blocked = [member(1, { state: 'blocked', since: 0 }), member(2)].sort(compareMembers)
  assert.equal(whyGroupIsFull(blocked, 'job_2', group), undefined)
})

test('of several limits the smallest counts, so that nobody enters by one of their own', () => {
  const holding = member(1, { state: 'holding', limit: 1 })
  const greedy = { group: 'prod', limit: 1000 }
  const held = 'waits for prod: held by deploy of pipeline #1'
  assert.equal(whyGroupIsFull([holding, member(2, { limit: 1000 })], 'job_2', greedy), held)
  const careful = [member(1, { state: 'holding', limit: 5 }), member(2, { limit: 1 }), member(3)]
  assert.ok(whyGroupIsFull(careful, 'job_3', { group: 'prod', limit: 5 }))
  assert.equal(whyGroupIsFull([member(3)], 'job_3', greedy), undefined)
  assert.match(
    whyGroupIsFull([holding], 'job_2', { ...greedy, ofStrangers: true }) ?? '',
    /^waits for prod of strangers:/,
  )
})

test('counts those that are too many to be named', () => {
  const many = [1, 2, 3, 4, 5].map((n) => {
    const { jobName: _, ...rest } = member(n, { state: 'holding' })
    return rest
  })
  assert.equal(
    whyGroupIsFull([...many, member(6)], 'job_6', { group: 'prod', limit: 5 }),
    'waits for prod: held by pipeline #1, pipeline #2, pipeline #3 and 2 more',
  )
})

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
