import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Evidence, FaultRecord, Ownership } from '../evidence.ts'
import { parseRun } from '../witness.ts'
import { COMMIT, changesOf, evidenceOf, PUSHED, runOf } from './evidence-of.ts'
import { measureRecovery } from './measure-recovery.ts'

function measure(fault: Omit<FaultRecord, 'healedAt'>, given: Partial<Evidence>): number[] {
  const faults = [{ ...fault, healedAt: fault.at }]
  return [...(measureRecovery(evidenceOf({ ...given, faults })).get(fault.kind) ?? [])]
}

test('a killed runner has recovered when its jobs beat elsewhere', () => {
  const fault = { kind: 'kill-runner', target: 'runner-1', at: 1_500 } as const
  const hit = runOf({ beganAt: 1_000, lastAt: 1_450, ended: false })
  const next = runOf({ attempt: 2, beganAt: 9_500, runner: 'runner-2' })
  const elsewhere = runOf({ jobId: 'job_2', beganAt: 1_000, runner: 'runner-2' })
  assert.deepEqual(measure(fault, { runs: [hit, elsewhere, next] }), [8_000])
  assert.deepEqual(measure(fault, { runs: [{ ...hit, ended: true }, next] }), [])
})

test('a killed dispatcher has recovered when its pipelines belong to another', () => {
  const fault = { kind: 'kill-dispatcher', target: 'dispatcher-1', at: 1_500 } as const
  const first: Ownership = {
    pipelineId: 'pipeline_1',
    dispatcherId: 'dispatcher_a',
    owner: 'dispatcher-1',
    term: 1,
    seenAt: 1_000,
  }
  const then = { ...first, owner: 'dispatcher-2', term: 2, seenAt: 5_000 }
  assert.deepEqual(measure(fault, { owners: [first, then] }), [3_500])
  const over = changesOf({ id: 'pipeline_1', kind: 'pipeline', status: 'finished', seenAt: 1_200 })
  assert.deepEqual(measure(fault, { owners: [first, then], changes: over }), [])
})

test('a server has recovered when anything goes on that was open', () => {
  const fault = { kind: 'restart-database', target: 'postgres', at: 1_500 } as const
  const told = {
    id: 'delivery-1',
    sha: COMMIT.sha,
    move: 'move-1',
    agent: 'http://agent',
    sentAt: 0,
    answeredAt: 1,
    result: 'acked',
  } as const
  const changes = changesOf({ seenAt: 1_000 }, { seenAt: 1_900 })
  const open = { commits: [PUSHED], deliveries: [told] }
  assert.deepEqual(measure(fault, { ...open, changes }), [400])
  assert.deepEqual(measure(fault, { changes }), [])
})

test('a witness is read up to the line that its writer could not finish', () => {
  const name = 'job_1.2.0.4711'
  const run = parseRun(name, 'begin 10.00 runner-1\nbeat 10.10 -\nbeat 10.2')
  assert.deepEqual(run, {
    jobId: 'job_1',
    attempt: 2,
    step: 0,
    token: name,
    runner: 'runner-1',
    beganAt: 10_000,
    lastAt: 10_100,
    ended: false,
  })
  assert.equal(parseRun(name, 'begin 10.00 runner-1\nend 10.30 -\n')?.ended, true)
  assert.equal(parseRun(name, 'beg'), undefined)
})
