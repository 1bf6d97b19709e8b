import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import type { PublishedEvent } from '../../contract/live/live-event.ts'
import type { GroupMember } from '../../core/concurrency/concurrency.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { type GroupedEntry, GroupGate } from './group-gate.ts'

const concurrency = { group: 'prod', limit: 1, cancelsSuperseded: true } as const

function entry(over: Partial<GroupedEntry> = {}): GroupedEntry {
  const job = { jobId: 'job_2', repositoryId: 'repo_1', labels: [], avoid: [] } as const
  return {
    job: { ...job, queuedAt: 1, followers: 0, priority: 0 },
    pipelineId: 'pipeline_2',
    repositoryName: 'ada/project',
    name: 'deploy',
    groups: [{ id: 'job_2', repositoryId: 'repo_1', concurrency }],
    pipelineNumber: 2,
    ref: 'refs/heads/main',
    isAgain: false,
    isLate: false,
    place: () => {},
    ...over,
  }
}

function openGate(
  members: GroupMember[],
  cancel: (pipelineId: string) => Promise<void> = async () => {},
) {
  const admitted: string[] = []
  const gate = new GroupGate({
    queue: {
      add: ({ job }: GroupedEntry) => void admitted.push(job.jobId),
      remove: () => {},
      list: () => [],
      length: 0,
    } as never,
    store: { groups: { list: async () => members } },
    retryWhileUnavailable: (work) => work(),
    cancel,
    log: silentLog(),
  })
  return { gate, admitted }
}

const older: GroupMember = {
  id: 'job_1',
  pipelineId: 'pipeline_1',
  pipelineNumber: 1,
  ref: 'refs/heads/main',
  jobName: 'deploy',
  position: 0,
  state: 'holding',
  since: 0,
}

/** A job of the group has ended somewhere. */
const moved = {
  type: 'job.changed',
  seq: 1,
  job: { status: 'finished', concurrencyGroup: 'prod' },
} as unknown as PublishedEvent

test('lets a job without a group pass, and one with a group when there is a place', async () => {
  const members = [older]
  const { gate, admitted } = openGate(members)
  using _gate = gate
  gate.add(entry({ groups: [], job: { ...entry().job, jobId: 'job_9' } }))
  assert.deepEqual(admitted, ['job_9'])
  gate.add(entry())
  await new Promise(setImmediate)
  assert.deepEqual(admitted, ['job_9'])
  members.pop()
  gate.onEvent(moved)
  await eventually(() => admitted.length === 2, { message: 'the job to be let in' })
})

test('retries to cancel what is superseded, and does not queue a job that was removed', async () => {
  const members = [older]
  let tries = 0
  const { gate, admitted } = openGate(members, async () => {
    tries++
    if (tries === 1) throw new NarwhalError('stale', 'another dispatcher was quicker')
    members.pop()
  })
  using _gate = gate
  gate.add(entry())
  await eventually(() => tries === 1, { message: 'the first try' })
  gate.onEvent(moved)
  await eventually(() => admitted.length === 1, { message: 'the job to be let in' })
  assert.equal(tries, 2)
  gate.add(entry())
  gate.remove('job_2')
  await new Promise(setImmediate)
  assert.equal(admitted.length, 1)
})

test('supersedes nothing with a commit that is told late, but is superseded itself', async () => {
  const ended: string[] = []
  const { gate } = openGate([older], async (pipelineId) => void ended.push(pipelineId))
  using _gate = gate
  gate.add(entry({ isLate: true }))
  await eventually(() => ended.length > 0, { message: 'a pipeline to be ended' })
  assert.deepEqual(ended, ['pipeline_2'])
})
