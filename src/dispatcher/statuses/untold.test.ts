import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import {
  addPipeline,
  note,
  openStatusWorld,
  type StatusWorld,
  states,
} from '#root/test/support/status-world.ts'
import { NO_FILE } from '../../core/pipeline/no-file.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'

/** Ends a pipeline whose commit has no file. */
async function endWithoutFile({ stage }: StatusWorld, pipeline: Pipeline): Promise<void> {
  const end = { status: 'finished', outcome: 'skipped', reason: NO_FILE, finishedAt: 1 } as const
  await stage.write((write) => write.pipelines.save({ ...pipeline, state: end }))
}

const UNSENT = { by: 'dispatcher_1', since: 0, limit: 10 } as const

test('a pipeline that is only being planned is not reported', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const created = await world.stage.addPipeline(world.repositoryId)
  await note(world, reporter, created.id)
  await reporter.refresh()
  assert.equal(reporter.pending, 0)
  await world.stage.plan(created, [{}])
  await note(world, reporter, created.id)
  await eventually(() => world.forge.taken.length === 1)
  assert.equal(world.forge.posted.length, 1)
})

test('a commit without narwhal.yml is not reported, unless the repository requires a run', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const { stage, repositoryId, forge } = world
  const quiet = await stage.addPipeline(repositoryId)
  await endWithoutFile(world, quiet)
  assert.deepEqual(await stage.store.statuses.listUnsent(UNSENT), [])
  await note(world, reporter, quiet.id)
  await eventually(() => reporter.pending === 0)
  assert.equal(forge.posted.length, 0)

  const rules = { skippedIsOpen: true } as const
  await stage.write((write) => write.repositories.setStrangerRules(repositoryId, rules))
  assert.deepEqual(
    (await stage.store.statuses.listUnsent(UNSENT)).map(({ id }) => id),
    [quiet.id],
  )
  await reporter.refresh()
  await note(world, reporter, quiet.id)
  await eventually(() => forge.taken.length === 1)
  assert.deepEqual(states(forge), ['pending'])
  assert.equal(forge.taken[0]?.body['description'], 'pipeline 1 skipped: no narwhal.yml')
})

test('a status that was sent before the file was found missing is closed', async () => {
  await using world = await openStatusWorld()
  await using reporter = await world.startReporter()
  const waiting = await addPipeline(world, world.repositoryId)
  await note(world, reporter, waiting.id)
  await eventually(() => world.forge.taken.length === 1)
  await endWithoutFile(world, waiting)
  const unsent = await world.stage.store.statuses.listUnsent(UNSENT)
  assert.deepEqual(
    unsent.map(({ id }) => id),
    [waiting.id],
  )
  await note(world, reporter, waiting.id)
  await eventually(() => world.forge.taken.length === 2)
  assert.deepEqual(states(world.forge), ['pending', 'success'])
})
