import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stage } from '#root/test/support/stage.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { Awaiting } from './awaiting.ts'

const DAY_MS = 86_400_000

test('ends what nobody has approved in time, and continues after one that has ended by itself', async () => {
  await using stage = await Stage.open()
  const { id } = await stage.addRepository()
  const now = 100 * DAY_MS
  const wait = async (since: number): Promise<Pipeline> => {
    const pipeline = await stage.addPipeline(id)
    const approval = { status: 'needed', for: 'run', since } as const
    const state = { status: 'running', startedAt: since } as const
    return await stage.write((write) => write.pipelines.save({ ...pipeline, state, approval }))
  }
  const [old, older] = [await wait(now - 31 * DAY_MS), await wait(now - 40 * DAY_MS)]
  await wait(now - 29 * DAY_MS)
  const left: [PipelineId, string][] = []
  using awaiting = new Awaiting({
    store: stage.store,
    log: silentLog(),
    end: async (one, reason) => {
      left.push([one, reason])
      if (one === older.id) throw new NarwhalError('conflict', 'already finished')
    },
  })
  await awaiting.sweep(now)
  const reason = 'nobody approved it within 30 days'
  assert.deepEqual(left, [
    [older.id, reason],
    [old.id, reason],
  ])
})

test('a newer pipeline of the ref, or closing the pull request, ends one of the same repository and ref only', async () => {
  await using stage = await Stage.open()
  const [one, other] = [await stage.addRepository(), await stage.addRepository('acme/other')]
  const wait = async (repositoryId: typeof one.id, ref: string): Promise<Pipeline> => {
    const pipeline = await stage.addPipeline(repositoryId, { ref, kind: 'pull_request' })
    const approval = { status: 'needed', for: 'run', since: 1 } as const
    return await stage.write((write) =>
      write.pipelines.save({ ...pipeline, state: { status: 'running', startedAt: 1 }, approval }),
    )
  }
  const ref = 'refs/pull/1/head'
  const older = await wait(one.id, ref)
  await wait(one.id, 'refs/pull/2/head')
  const elsewhere = await wait(other.id, ref)
  const newer = await wait(one.id, ref)
  const left: PipelineId[] = []
  using awaiting = new Awaiting({
    store: stage.store,
    log: silentLog(),
    end: async (id) => void left.push(id),
  })
  await awaiting.supersede(newer, { ref, trust: {} })
  assert.deepEqual(left, [])
  await awaiting.supersede(newer, { ref, trust: { stranger: 'other_repository' } })
  assert.deepEqual(left, [older.id])
  await awaiting.endClosed()
  assert.deepEqual(left, [older.id])
  const closed = { repositoryId: other.id, ref, at: Date.now() }
  await stage.write((write) => write.events.noteClosed(closed))
  await awaiting.endClosed()
  assert.deepEqual(left, [older.id, elsewhere.id])
})
