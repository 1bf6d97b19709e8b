import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Trust } from '../commit-event.ts'
import type { Job } from '../job/job.ts'
import type { PipelineDraft } from './advance-pipeline.ts'
import type { Approval } from './approval.ts'
import { approve, lacksApproval, withoutWaiting, withReason } from './approve.ts'
import { aJob, anAttempt, aPipeline } from './fixtures.ts'

const STRANGER: Trust = { stranger: 'other_repository' }
const EVENT = { trust: STRANGER, sha: 'a'.repeat(40) }
const SEEN = { sha: EVENT.sha, at: 20, by: 'ada' }
const HELD: Approval = { status: 'needed', for: 'run', since: 5, plan: 'digest' }

function draft(approval: Approval | undefined, jobs: readonly Job[] = [aJob({ name: 'a' })]) {
  return { pipeline: aPipeline(approval ? { approval } : {}), jobs } satisfies PipelineDraft
}

test('nothing is to be approved of what is no stranger’s', () => {
  const own = { ...EVENT, trust: {} }
  assert.throws(() => approve(draft(undefined), own, SEEN), {
    code: 'conflict',
    message: /not a stranger's/,
  })
})

test('what somebody has looked at must be what is there', () => {
  const pushed = { ...SEEN, sha: 'b'.repeat(40) }
  assert.throws(() => approve(draft(HELD), EVENT, pushed), {
    code: 'conflict',
    message: /for commit/,
  })
  const planned = { ...SEEN, plan: 'another' }
  assert.throws(() => approve(draft(HELD), EVENT, planned), {
    code: 'conflict',
    message: /its plan/,
  })
})

test('what is held back begins with the approval, which says who gave it and of what', () => {
  const blocked = aJob({ name: 'a' }, { state: { status: 'blocked', attempt: 1 } })
  const { pipeline, jobs } = approve(draft(HELD, [blocked]), EVENT, { ...SEEN, plan: 'digest' })
  assert.deepEqual(pipeline.approval, { status: 'given', at: 20, by: 'ada', plan: 'digest' })
  assert.deepEqual(pipeline.state, { status: 'running', startedAt: 20 })
  assert.deepEqual(jobs[0]?.state, { status: 'queued', attempt: 1, queuedAt: 20 })
})

test('what is approved already stays as it is', () => {
  const given = draft({ status: 'given', at: 7 })
  assert.equal(approve(given, EVENT, SEEN), given)
})

test('jobs that were ended for want of it run again; those that a runner had do not', () => {
  const state = { status: 'finished', attempt: 1, outcome: 'error', finishedAt: 9 } as const
  const barred = aJob({ name: 'barred', secrets: { TOKEN: 'TOKEN' } }, { state })
  const failed = aJob(
    { name: 'failed', secrets: { TOKEN: 'TOKEN' } },
    { state, attempts: [anAttempt({}, { status: 'finished', outcome: 'error', finishedAt: 9 })] },
  )
  const plain = aJob({ name: 'plain' }, { state })
  const { jobs } = approve(draft({ status: 'needed' }, [barred, failed, plain]), EVENT, SEEN)
  assert.deepEqual(
    jobs.map((job) => job.state.status),
    ['queued', 'finished', 'finished'],
  )
})

test('what was cancelled is not approved', () => {
  const state = { status: 'finished', attempt: 1, outcome: 'cancelled', finishedAt: 9 } as const
  const cancelled = draft(HELD, [aJob({ name: 'a' }, { state })])
  assert.throws(() => approve(cancelled, EVENT, SEEN), { code: 'conflict', message: /cancelled/ })
})

test('only a stranger’s job that names secrets lacks an approval, and only until it is given', () => {
  const secret = aJob({ name: 'a', secrets: { TOKEN: 'TOKEN' } })
  const given: Approval = { status: 'given', at: 7 }
  assert.deepEqual(
    [
      lacksApproval(STRANGER, secret, undefined),
      lacksApproval(STRANGER, secret, HELD),
      lacksApproval(STRANGER, secret, given),
      lacksApproval({}, secret, undefined),
      lacksApproval(STRANGER, aJob({ name: 'b' }), undefined),
    ],
    [true, true, false, false, false],
  )
})

test('what is not waited for any more can still be approved', () => {
  const left = withoutWaiting(draft(HELD))
  assert.deepEqual(left.pipeline.approval, { status: 'needed', for: 'run', plan: 'digest' })
  assert.equal(withoutWaiting(left), left)
  assert.equal(approve(left, EVENT, SEEN).pipeline.approval?.status, 'given')
})

test('a pipeline that ended while it was held back says why, and no other', () => {
  const end = (before: PipelineDraft): PipelineDraft => {
    const state = { status: 'finished', outcome: 'cancelled', finishedAt: 9 } as const
    return { ...before, pipeline: { ...before.pipeline, state } }
  }
  const held = draft(HELD)
  const { state } = withReason(held, end(held), 'its pull request was closed').pipeline
  assert.equal(state.status === 'finished' && state.reason, 'its pull request was closed')
  const free = draft(undefined)
  const ended = end(free)
  assert.equal(withReason(free, ended, 'x'), ended)
  assert.equal(withReason(held, held, 'x'), held)
})
