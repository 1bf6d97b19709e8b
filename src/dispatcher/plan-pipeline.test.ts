import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { CommitSchema } from '../contract/gen/narwhal/v1/runner_pb.js'
import { NarwhalError } from '../lib/errors.ts'
import { planOnRunner } from './plan-pipeline.ts'
import type { PlannedCommit } from './runner-client.ts'
import type { RunnerPool } from './runner-pool.ts'

test('a commit is planned elsewhere when its runner stops meanwhile', async () => {
  const planned: PlannedCommit = {
    result: { ok: false, problems: [] },
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
  const pool = { findPlanner: () => link } as unknown as RunnerPool
  const { signal } = new AbortController()
  const answer = await planOnRunner(pool, { commit: create(CommitSchema) }, signal)
  assert.equal(answer.planned, planned)
})
