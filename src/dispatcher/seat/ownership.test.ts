import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import type { PipelineId } from '../../core/ids.ts'
import { silentLog } from '../../lib/log.ts'
import { Ownership, type OwnershipDeps } from './ownership.ts'

/** Looks that are answered when the test says so. */
function heldLooks() {
  const looks: ((ids: readonly PipelineId[]) => void)[] = []
  const lost: PipelineId[] = []
  const listOf = () =>
    new Promise<{ id: PipelineId; term: number }[]>((resolve) =>
      looks.push((ids) => resolve(ids.map((id) => ({ id, term: 1 })))),
    )
  const ownership = new Ownership({
    store: { pipelines: { listOf } } as unknown as OwnershipDeps['store'],
    seat: { id: 'dispatcher_1', isGood: true } as unknown as OwnershipDeps['seat'],
    log: silentLog(),
    onLost: (id) => lost.push(id),
  })
  return { ownership, looks, lost }
}

test('what was written while a look was on its way is not lost, what a look misses is', async () => {
  const { ownership, looks, lost } = heldLooks()
  try {
    const at = performance.now()
    ownership.note('pipeline_old', 1, { at })
    await eventually(() => looks.length === 1)
    // The write had begun before the look, and has ended behind it.
    ownership.note('pipeline_new', 1, { at, writtenAt: performance.now() })
    looks[0]?.([])
    await eventually(() => assert.deepEqual(lost, ['pipeline_old']))
    assert.equal(ownership.isSure('pipeline_new', 1), true)
    await eventually(() => looks.length === 2)
    looks[1]?.([])
    await eventually(() => assert.deepEqual(lost, ['pipeline_old', 'pipeline_new']))
    assert.equal(ownership.isSure('pipeline_new', 1), false)
  } finally {
    const closing = ownership[Symbol.asyncDispose]()
    for (const look of looks) look([])
    await closing
  }
})
