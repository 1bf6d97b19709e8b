import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, anAttempt } from '../pipeline/fixtures.ts'
import { waitingJob } from './waiting-job.ts'

const FACTS = { queuedAt: 4, followers: 2, isStranger: false, maxPriority: 10 }

test('a job without wishes waits with nothing but its place', () => {
  assert.deepEqual(waitingJob(aJob({ name: 'a', labels: ['linux'] }), FACTS), {
    jobId: 'job_a',
    repositoryId: 'repo_1',
    labels: ['linux'],
    queuedAt: 4,
    followers: 2,
    priority: 0,
    avoid: [],
  })
})

test('a priority counts as the largest that is allowed at most, and a stranger’s is none', () => {
  const priorityOf = (priority: number, isStranger: boolean) =>
    waitingJob(aJob({ name: 'a', priority }), { ...FACTS, isStranger }).priority
  assert.deepEqual([priorityOf(5, false), priorityOf(50, false), priorityOf(50, true)], [5, 10, 0])
  // To stand further back is nobody's harm.
  assert.deepEqual([priorityOf(-5, false), priorityOf(-5, true)], [-5, -5])
})

test('a runner that could not run it is avoided for a while, and no other', () => {
  const at = { finishedAt: 1000 } as const
  const job = aJob(
    { name: 'a' },
    {
      attempts: [
        anAttempt({ number: 1 }, { status: 'finished', outcome: 'error', ...at }),
        anAttempt(
          { number: 2, runnerId: 'runner_2' },
          { status: 'finished', outcome: 'failure', ...at },
        ),
        anAttempt({ number: 3, runnerId: 'runner_3' }, { status: 'running', startedAt: 1100 }),
      ],
    },
  )
  assert.deepEqual(waitingJob(job, FACTS).avoid, [{ runnerId: 'runner_1', until: 6000 }])
})

test('what needs a container, or secrets that are kept for some runners, says so', () => {
  const kept = [{ name: 'TOKEN', runners: ['runner_1'] }]
  const job = waitingJob(aJob({ name: 'a', image: 'node:24' }), {
    ...FACTS,
    isStranger: true,
    secrets: kept,
    endsWithoutEngine: true,
  })
  assert.deepEqual(
    [job.image, job.containers, job.isStranger, job.secrets, job.endsWithoutEngine],
    ['node:24', true, true, kept, true],
  )
})
