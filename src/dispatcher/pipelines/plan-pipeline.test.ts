import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlannedCommit, PlanOrder } from '../../contract/rpc/planned-commit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { planOnRunner } from './plan-pipeline.ts'

test('a commit is planned on another runner if the first one stops', async () => {
  const planned: PlannedCommit = {
    file: { ok: false, problems: [] },
    title: '',
    author: '',
    fetchMs: 0,
    parseMs: 0,
  }
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
  const answer = await planOnRunner(pool, {} as PlanOrder, signal, () => {})
  assert.equal(answer.planned, planned)
})
