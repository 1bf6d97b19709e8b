import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logAppend } from '#root/test/support/log-append.ts'
import { jobView } from '../../contract/rest/views.ts'
import type { Job } from '../../core/job/job.ts'
import {
  aJob,
  anAttempt,
  lines,
  type OpenDatabase,
  openWorld,
  seedAttempt,
  seedPipeline,
} from './fixtures.ts'

export function jobsContract(open: OpenDatabase): void {
  test('keeps the jobs of a pipeline in the order of the file', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    // More than one statement could insert.
    const jobs = Array.from({ length: 1200 }, (_, position) => aJob(pipeline, { position }))
    const { changes } = await store.transact((write) => write.jobs.insert(jobs.toReversed()))
    assert.equal(changes.length, 1200)
    const views = await store.jobs.listViews(pipeline.id)
    assert.deepEqual(
      views.map(({ id }) => id),
      jobs.map(({ id }) => id),
    )
    assert.deepEqual(await store.jobs.find(jobs[7]!.id), jobs[7])
    assert.equal(await store.jobs.find('job_none'), undefined)
    assert.deepEqual(await store.jobs.listViews('pipeline_none'), [])
  })

  test('lists attempts of all jobs, those that were placed last first', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { job } = await seedAttempt(store)
    const first = job.attempts[0]!
    const second = { ...first, number: 2, assignedAt: first.assignedAt + 1 }
    await store.transact((write) => write.jobs.save({ ...job, attempts: [first, second] }, [2]))
    const placements = await store.jobs.listPlacements(10)
    assert.deepEqual(
      placements.map(({ jobId, pipelineId, attempt }) => [jobId, pipelineId, attempt.number]),
      [
        [job.id, job.pipelineId, 2],
        [job.id, job.pipelineId, 1],
      ],
    )
    assert.equal(placements[0]?.jobName, job.spec.name)
    assert.equal((await store.jobs.listPlacements(1)).length, 1)
  })

  test('refuses to plan a pipeline twice', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    const insert = () => store.transact((write) => write.jobs.insert([aJob(pipeline)]))
    await insert()
    await assert.rejects(insert(), { code: 'conflict' })
    assert.equal((await store.jobs.listViews(pipeline.id)).length, 1)
    const stray = store.transact((write) =>
      write.jobs.insert([aJob({ ...pipeline, id: 'pipeline_none' })]),
    )
    await assert.rejects(stray, { code: 'not_found' })
  })

  test('writes a job and the attempts that changed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { job } = await seedAttempt(store)
    const [first] = job.attempts
    assert(first)
    const moved: Job = {
      ...job,
      state: { status: 'finished', attempt: 2, outcome: 'failure', startedAt: 7, finishedAt: 8 },
      fence: 2,
      attempts: [
        {
          ...first,
          status: 'finished',
          outcome: 'error',
          reason: 'not to be written',
          finishedAt: 9,
        },
        anAttempt(
          {
            number: 2,
            fence: 2,
            steps: [{ name: 'test', status: 'finished', outcome: 'failure', exitCode: 1 }],
          },
          {
            status: 'finished',
            outcome: 'failure',
            startedAt: 7,
            finishedAt: 8,
            outputs: { version: '1.0\u0000' },
          },
        ),
      ],
    }
    const { result: saved } = await store.transact((write) => write.jobs.save(moved, [2]))
    assert.equal(saved.version, job.version + 1)
    const found = await store.jobs.find(job.id)
    assert.deepEqual(found, { ...saved, attempts: [first, moved.attempts[1]] })
    const view = await store.jobs.findView(job.id)
    assert.deepEqual(jobView.parse(view), view)
    assert.deepEqual(await store.jobs.listViews(job.pipelineId), [view])
    assert.equal(view?.status, 'finished')
    assert.equal(view.attempts[1]?.steps[0]?.index, 0)
  })

  test('refuses a write of a job that names an older version, with its attempts', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { job } = await seedAttempt(store)
    const before = await store.jobs.find(job.id)
    const stale = store.transact(async (write) => {
      await write.jobs.save(
        { ...job, version: job.version - 1, attempts: [anAttempt({ fence: 9 })] },
        [1],
      )
    })
    await assert.rejects(stale, { code: 'conflict' })
    assert.deepEqual(await store.jobs.find(job.id), before)
  })

  test('does not let an older record of an attempt set back what its log has reached', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { job, log } = await seedAttempt(store)
    await store.transact((write) =>
      write.logs.append(logAppend({ ...log, lastSeq: 12 }, lines(0, 10))),
    )
    const { result: saved } = await store.transact((write) => write.jobs.save(job, [1]))
    assert.deepEqual(saved.attempts, (await store.jobs.find(job.id))?.attempts)
    assert.deepEqual([saved.attempts[0]?.lines, saved.attempts[0]?.lastSeq], [10, 12])

    // The runner refused it; the next one, under its own fence, counts anew.
    const next: Job = { ...saved, fence: 2, attempts: [anAttempt({ fence: 2, lastSeq: 0 })] }
    const { result: again } = await store.transact((write) => write.jobs.save(next, [1]))
    assert.deepEqual([again.attempts[0]?.lines, again.attempts[0]?.lastSeq], [10, 0])
  })
}
