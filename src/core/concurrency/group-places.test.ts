import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob } from '../pipeline/fixtures.ts'
import { groupPlaces } from './group-places.ts'

const OF_PIPELINE = { group: 'deploy', limit: 1 }

test('a job needs a place of its own and one of its pipeline, or neither', () => {
  const own = { group: 'database', limit: 2 }
  const job = aJob({ name: 'a', concurrency: own })
  assert.deepEqual(groupPlaces(job, { id: 'pipeline_1', concurrency: OF_PIPELINE }), [
    { id: 'job_a', repositoryId: 'repo_1', concurrency: own },
    { id: 'pipeline_1', repositoryId: 'repo_1', concurrency: OF_PIPELINE },
  ])
  assert.deepEqual(groupPlaces(aJob({ name: 'b' }), { id: 'pipeline_1' }), [])
})

test('all ask for their places in one order, whosever they are', () => {
  const jobs = ['a', 'z'].map((group) => aJob({ name: 'x', concurrency: { group, limit: 1 } }))
  const orders = jobs.map((job) =>
    groupPlaces(job, { id: 'pipeline_1', concurrency: { group: 'm', limit: 1 } }).map(
      ({ concurrency }) => concurrency.group,
    ),
  )
  assert.deepEqual(orders, [
    ['a', 'm'],
    ['m', 'z'],
  ])
})
