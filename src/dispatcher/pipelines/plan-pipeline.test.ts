import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingCommit } from '../../contract/rpc/missing-commit.ts'
import type { PlannedCommit, PlanOrder } from '../../contract/rpc/planned-commit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { invisibleMsOf, planOnRunner } from './plan-pipeline.ts'

const planned: PlannedCommit = {
  file: { ok: false, problems: [] },
  title: '',
  author: '',
  fetchMs: 0,
  parseMs: 0,
}
const sha = 'a'.repeat(40)
const order = { commit: { sha } } as PlanOrder

test('a commit is planned on another runner if the first one stops', async () => {
  let calls = 0
  const link = {
    record: { state: 'online' },
    client: {
      planCommit: async () => {
        if (calls++ === 0) throw new NarwhalError('cancelled', 'the runner stops')
        return planned
      },
    },
  }
  const pool = { plannerWaits: { wait: async () => link } } as unknown as RunnerPool
  const { signal } = new AbortController()
  const answer = await planOnRunner(pool, order, signal, { onWait: () => {} })
  assert.equal(answer.planned, planned)
})

/** A runner whose git server gets the commit after this many requests. */
function poolWith(visibleAfter: number) {
  const asked = { times: 0 }
  const planCommit = async () => {
    if (asked.times++ < visibleAfter) {
      throw new NarwhalError('unavailable', missingCommit(sha, 'acme/app'))
    }
    return planned
  }
  const link = { record: { state: 'online' }, client: { planCommit } }
  const pool = { plannerWaits: { wait: async () => link } } as unknown as RunnerPool
  return { pool, asked }
}

test('a commit that the git server does not have yet is waited for, and that is said', async () => {
  const { pool } = poolWith(2)
  const { signal } = new AbortController()
  const reasons: string[] = []
  const waiting = { onWait: (reason: string) => reasons.push(reason), invisibleMs: 60_000 }
  const answer = await planOnRunner(pool, order, signal, waiting)
  assert.equal(answer.planned, planned)
  assert.match(reasons[0] ?? '', /the git server doesn't have aaaaaaa yet/)
})

test('a commit that stays missing ends in an error that says so', async () => {
  const { pool, asked } = poolWith(Number.POSITIVE_INFINITY)
  const { signal } = new AbortController()
  const waiting = { onWait: () => {}, invisibleMs: 1 }
  await assert.rejects(planOnRunner(pool, order, signal, waiting), {
    code: 'unavailable',
    message: /is not in acme\/app.* still was not/,
  })
  assert.equal(asked.times, 2)
})

test('only a new commit that was reported is waited for', () => {
  const now = 10_000_000
  assert.equal(invisibleMsOf({ source: 'webhook', receivedAt: now }, now), 60_000)
  assert.equal(invisibleMsOf({ source: 'poll', receivedAt: now }, now), 60_000)
  assert.equal(invisibleMsOf({ source: 'manual', receivedAt: now }, now), 0)
  assert.equal(invisibleMsOf({ source: 'webhook', receivedAt: 0 }, now), 0)
})
