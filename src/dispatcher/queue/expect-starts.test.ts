import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunnerView } from '../../contract/rest/views.ts'
import type { WaitingReason } from '../../core/placement/waiting-reason.ts'
import { anAttempt } from '../../store/contract/fixtures.ts'
import { expectStarts } from './expect-starts.ts'
import type { ListedJob } from './job-queue.ts'

const RUNNER: RunnerView = {
  id: 'runner_1',
  name: 'one',
  link: 'attached',
  balanced: false,
  state: 'online',
  labels: [],
  engines: ['docker'],
  slots: 1,
  busy: 1,
  members: 1,
  registeredAt: 0,
}

/** One runner with one slot, which a job of this name has just taken, and had for a minute before. */
function historyOf(name: string) {
  const now = Date.now()
  const job = { jobId: 'job_0', pipelineId: 'pipeline_0', jobName: name } as const
  const attempts = [
    anAttempt({ assignedAt: now }),
    anAttempt(
      { assignedAt: now - 90_000 },
      { status: 'finished', outcome: 'success', finishedAt: now - 30_000 },
    ),
  ]
  return {
    runners: { listViews: async () => [RUNNER] },
    jobs: {
      listPlacements: async () =>
        attempts.map((attempt) => ({ ...job, repositoryName: 'acme/app', attempt })),
    },
  }
}

function listed(waiting: WaitingReason): ListedJob {
  return {
    jobId: 'job_1',
    pipelineId: 'pipeline_1',
    repositoryName: 'acme/app',
    name: 'test',
    labels: [],
    position: 1,
    queuedAt: 0,
    waiting,
  }
}

const WANTED = { labels: [] }
const runners = [{ name: 'one', slots: 1, state: 'offline' as const }]

test('a job that waits for a slot has an expected start, and the reason as a message', async () => {
  const [job] = await expectStarts(historyOf('test'), [
    listed({ kind: 'full', wanted: WANTED, runners }),
  ])
  assert.equal(job?.reason, 'the only slot of runner one is busy')
  assert.ok((job?.expectedStartAt ?? 0) > Date.now())
  assert.ok(!('waiting' in (job ?? {})))
})

test('a job that waits for anything else has none, whatever that is called', async () => {
  const others: readonly WaitingReason[] = [
    { kind: 'no_runner' },
    { kind: 'offline', wanted: WANTED, runners },
    { kind: 'no_slots', wanted: WANTED, runners },
    { kind: 'no_room', shortage: 'all disks are busy' },
    { kind: 'group', group: 'what is busy', holding: [], before: [] },
    { kind: 'placing' },
  ]
  for (const job of await expectStarts(historyOf('test'), others.map(listed))) {
    assert.equal(job.expectedStartAt, undefined, job.reason)
    assert.ok(job.reason.length > 0)
  }
})
