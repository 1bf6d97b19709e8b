import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { Stage } from '../../../test/support/stage.ts'
import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { PipelineId, RunnerId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { type OrphanHolder, OrphanKeeper } from './orphan-keeper.ts'

/** A keeper on the stage's store, and what it has done. */
function keeperOf(stage: Stage, resume?: () => Promise<void>) {
  const resumed: PipelineId[] = []
  const discarded: Orphan[] = []
  const keeper = new OrphanKeeper({
    store: stage.store,
    log: silentLog(),
    resume: async (id) => {
      resumed.push(id)
      await resume?.()
    },
  })
  const holder = (id: RunnerId): OrphanHolder => ({
    id,
    record: { name: 'one' },
    client: { discard: async (orphan) => void discarded.push(orphan) },
  })
  return { keeper, holder, resumed, discarded }
}

/** The job's current attempt, and its runner. */
function heldOf(job: Job): { runnerId: RunnerId; orphan: Orphan } {
  const { state } = job
  assert.equal(state.status, 'running')
  const { runnerId, attempt, fence } = state
  return { runnerId, orphan: { jobId: job.id, attempt, fence } }
}

test('a current attempt is resumed with its pipeline', async () => {
  await using stage = await Stage.open()
  const { job } = await stage.runJob()
  const { runnerId, orphan } = heldOf(job)
  const { keeper, holder, resumed, discarded } = keeperOf(stage)
  keeper.handle(holder(runnerId), [orphan])
  await eventually(() => resumed.length === 1)
  assert.deepEqual(resumed, [job.pipelineId])
  assert.deepEqual(discarded, [])
})

test('an attempt that is stale, another runner’s or was never assigned is discarded', async () => {
  await using stage = await Stage.open()
  const { job } = await stage.runJob()
  const { runnerId, orphan } = heldOf(job)
  const { keeper, holder, resumed, discarded } = keeperOf(stage)
  const strays: Orphan[] = [
    { ...orphan, fence: orphan.fence - 1 },
    { ...orphan, attempt: orphan.attempt + 1 },
    { ...orphan, jobId: 'job_none' },
  ]
  for (const stray of strays) {
    const count = discarded.length
    keeper.handle(holder(runnerId), [stray])
    await eventually(() => discarded.length === count + 1)
  }
  keeper.handle(holder('runner_other'), [orphan])
  await eventually(() => discarded.length === strays.length + 1)
  await stage.finish(job)
  keeper.handle(holder(runnerId), [orphan])
  await eventually(() => discarded.length === strays.length + 2)
  assert.deepEqual(discarded, [...strays, orphan, orphan])
  assert.deepEqual(resumed, [])
})

test('an orphan is handled once at a time, and again after a failure', async () => {
  await using stage = await Stage.open()
  const { job } = await stage.runJob()
  const { runnerId, orphan } = heldOf(job)
  const first = Promise.withResolvers<void>()
  let going = 0
  let most = 0
  const { keeper, holder, resumed } = keeperOf(stage, async () => {
    most = Math.max(most, ++going)
    await first.promise.finally(() => going--)
  })
  keeper.handle(holder(runnerId), [orphan, orphan])
  await eventually(() => resumed.length === 1)
  keeper.handle(holder(runnerId), [orphan])
  first.reject(new NarwhalError('unavailable', 'the store is away'))
  await eventually(() => {
    keeper.handle(holder(runnerId), [orphan])
    return resumed.length > 1
  })
  assert.equal(most, 1)
})
