import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Concurrency, compareMembers, type GroupMember } from './concurrency.ts'
import { describeGroupWait, whyGroupIsFull } from './group-wait.ts'

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

/** In words; undefined: it can go on. */
function whyNot(members: readonly GroupMember[], id: GroupMember['id'], concurrency: Concurrency) {
  const wait = whyGroupIsFull(members, id, concurrency)
  return wait && describeGroupWait(wait)
}

const group = { group: 'prod', limit: 1 }

test('gives places in the order in which members came, and says who stands before', () => {
  const members = [member(7, { state: 'holding' }), member(8), member(9)].sort(compareMembers)
  assert.equal(whyNot(members, 'job_7', group), undefined)
  const held = 'waits for prod: held by deploy of pipeline #7'
  assert.equal(whyNot(members, 'job_8', group), held)
  assert.equal(whyNot(members, 'job_9', group), `${held}, and behind deploy of pipeline #8`)
  assert.equal(whyNot(members, 'job_8', { ...group, limit: 2 }), undefined)
  assert.match(whyNot(members, 'job_9', { ...group, limit: 2 }) ?? '', /held by/)
})

test('lets nobody pass who came first, also when nobody holds a place', () => {
  const members = [member(2, { since: 5 }), member(1, { since: 9, jobName: 'other' })]
  assert.equal(whyNot(members, 'job_2', group), undefined)
  assert.equal(whyNot(members, 'job_1', group), 'waits for prod: behind deploy of pipeline #2')
  // One that waits for what it needs stands in nobody's way.
  const blocked = [member(1, { state: 'blocked', since: 0 }), member(2)].sort(compareMembers)
  assert.equal(whyNot(blocked, 'job_2', group), undefined)
})

test('of several limits the smallest counts, so that nobody enters by one of their own', () => {
  const holding = member(1, { state: 'holding', limit: 1 })
  const greedy = { group: 'prod', limit: 1000 }
  const held = 'waits for prod: held by deploy of pipeline #1'
  assert.equal(whyNot([holding, member(2, { limit: 1000 })], 'job_2', greedy), held)
  const careful = [member(1, { state: 'holding', limit: 5 }), member(2, { limit: 1 }), member(3)]
  assert.ok(whyNot(careful, 'job_3', { group: 'prod', limit: 5 }))
  assert.equal(whyNot([member(3)], 'job_3', greedy), undefined)
  assert.match(
    whyNot([holding], 'job_2', { ...greedy, ofStrangers: true }) ?? '',
    /^waits for prod of strangers:/,
  )
})

test('counts those that are too many to be named', () => {
  const many = [1, 2, 3, 4, 5].map((n) => {
    const { jobName: _, ...rest } = member(n, { state: 'holding' })
    return rest
  })
  assert.equal(
    whyNot([...many, member(6)], 'job_6', { group: 'prod', limit: 5 }),
    'waits for prod: held by pipeline #1, pipeline #2, pipeline #3 and 2 more',
  )
})
