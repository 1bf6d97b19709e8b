import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import type { PipelineId } from '../../core/ids.ts'
import { silentLog } from '../../lib/log.ts'
import { Ownership, type OwnershipDeps } from './ownership.ts'

/** Polls that are answered when the test says so. */
function heldPolls() {
  const polls: ((ids: readonly PipelineId[]) => void)[] = []
  const lost: PipelineId[] = []
  const listOf = () =>
    new Promise<{ id: PipelineId; term: number }[]>((resolve) =>
      polls.push((ids) => resolve(ids.map((id) => ({ id, term: 1 })))),
    )
  const ownership = new Ownership({
    store: { pipelines: { listOf } } as unknown as OwnershipDeps['store'],
    seat: { id: 'dispatcher_1', isGood: true } as unknown as OwnershipDeps['seat'],
    log: silentLog(),
    onLost: (id) => lost.push(id),
  })
  return { ownership, polls, lost }
}

test('a pipeline written while a poll was in flight is not lost, one that a poll misses is', async () => {
  const { ownership, polls, lost } = heldPolls()
  try {
    const at = performance.now()
    ownership.note('pipeline_old', 1, { at })
    await eventually(() => polls.length === 1)
    // The write began before the poll, and ended after its start.
    ownership.note('pipeline_new', 1, { at, writtenAt: performance.now() })
    polls[0]?.([])
    await eventually(() => assert.deepEqual(lost, ['pipeline_old']))
    assert.equal(ownership.isSure('pipeline_new', 1), true)
    await eventually(() => polls.length === 2)
    polls[1]?.([])
    await eventually(() => assert.deepEqual(lost, ['pipeline_old', 'pipeline_new']))
    assert.equal(ownership.isSure('pipeline_new', 1), false)
  } finally {
    const closing = ownership[Symbol.asyncDispose]()
    for (const answer of polls) answer([])
    await closing
  }
})
