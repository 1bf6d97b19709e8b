import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Job } from '../../core/job/job.ts'
import { aJob, anAttempt, aPipeline } from '../../core/pipeline/fixtures.ts'
import { changedJobs } from './changed-jobs.ts'

const pipeline = aPipeline()
const [first, second] = [anAttempt(), anAttempt({ number: 2, fence: 2 })]
const job = aJob({ name: 'a' }, { attempts: [first, second] })

function changed(after: Job): [string, readonly number[]][] {
  const draft = { pipeline, jobs: [job] }
  return [...changedJobs(draft, { pipeline, jobs: [after] })]
}

test('a job whose logs alone have grown is not saved, nor is a new one', () => {
  const grown = { ...second, lines: 3, logBytes: 9, lastSeq: 4 }
  assert.deepEqual(changed(job), [])
  assert.deepEqual(changed({ ...job, attempts: [first, grown] }), [])
  assert.deepEqual(changed({ ...aJob({ name: 'new' }) }), [])
})

test('a job is saved whichever of its fields changes alone, also one that is not known yet', () => {
  const others: Job[] = [
    { ...job, state: { ...job.state } },
    { ...job, fence: 7 },
    { ...job, spec: { ...job.spec } },
    { ...job, position: 3 },
    { ...job, version: 2 },
    Object.assign({}, job, { fieldOfALaterVersion: true }),
  ]
  for (const other of others) assert.deepEqual(changed(other), [[job.id, []]])
})

test('it is saved with the attempts that have changed or are new', () => {
  const changedFirst = { ...first, askedBy: 'ada' }
  const third = anAttempt({ number: 3, fence: 3 })
  assert.deepEqual(changed({ ...job, attempts: [changedFirst, second] }), [[job.id, [1]]])
  assert.deepEqual(changed({ ...job, attempts: [first, second, third] }), [[job.id, [3]]])
})
