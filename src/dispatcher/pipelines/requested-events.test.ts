import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { eventually } from '../../../test/support/eventually.ts'
import { missingCommit } from '../../contract/rpc/missing-commit.ts'
import type { PlannedCommit, PlanOrder } from '../../contract/rpc/planned-commit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { Selection } from '../../core/event-actions.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import { RequestedEvents } from './requested-events.ts'

const event = {
  id: 'event_1',
  repositoryId: 'repo_1',
  kind: 'pull_request',
  sha: 'a'.repeat(40),
  receivedAt: Date.now(),
  details: { actions: ['labeled', 'edited'] },
} as unknown as CommitEvent

function planned(selection?: Selection): PlannedCommit {
  const plan = { name: 'x', jobs: [], ...(selection && { selection }) }
  return { file: { ok: true, plan }, title: '', author: '', fetchMs: 0, parseMs: 0 }
}

/** What comes of an event that the runner answers so; undefined: no runner is online. */
function receive(answer: (() => Promise<PlannedCommit>) | undefined) {
  const done: string[] = []
  let plans = 0
  const planCommit = async () => {
    plans++
    return await (answer as () => Promise<PlannedCommit>)()
  }
  const link = { client: { planCommit } } as unknown as RunnerLink
  const write = {
    events: { drop: async (_id: string, reason: string) => done.push(`dropped: ${reason}`) },
  }
  const recorder = {
    retryWhileUnavailable: async (work: () => Promise<unknown>) => await work(),
    record: async (work: (writer: unknown) => Promise<unknown>) => await work(write),
  } as unknown as Recorder
  const events = new RequestedEvents({
    recorder,
    pool: { findPlanner: () => (answer ? link : undefined) },
    planOrder: async () => ({}) as PlanOrder,
    create: async (_event, _plan, part) => void done.push(`created: ${part ?? 'whole'}`),
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
  })
  return { events, done, plans: () => plans }
}

test('an event gets a pipeline for what the file has for it, or is dropped', async () => {
  const cases: [answer: () => Promise<PlannedCommit>, expected: string | RegExp][] = [
    [async () => planned('whole'), 'created: whole'],
    [async () => planned('part'), 'created: labeled'],
    [async () => planned('nothing'), /^dropped: nothing in narwhal\.yml .*labeled and edited/],
    // A runner of an earlier version plans what it would for any commit.
    [async () => planned(), /^dropped: nothing in narwhal\.yml/],
    [
      async () => ({ ...planned(), file: { ok: false, problems: [] } }),
      'dropped: narwhal.yml has problems',
    ],
    [
      () => Promise.reject(new NarwhalError('not_found', 'no such commit')),
      'dropped: no such commit',
    ],
  ]
  for (const [answer, expected] of cases) {
    const { events, done } = receive(answer)
    events.receive(event)
    await eventually(() => done.length > 0)
    assert.equal(done.length, 1)
    if (typeof expected === 'string') assert.deepEqual(done, [expected])
    else assert.match(done[0] ?? '', expected)
  }
})

test('an event stays pending while no runner can plan it', async () => {
  const none = receive(undefined)
  none.events.receive(event)
  let asked = 0
  const lost = receive(() => {
    asked++
    return Promise.reject(new NarwhalError('unavailable', 'the runner is gone'))
  })
  lost.events.receive(event)
  await eventually(() => asked === 1)
  // Another try, as the agents' sweep makes it, finds it unplanned.
  await eventually(() => {
    lost.events.receive(event)
    return asked > 1
  })
  assert.deepEqual([...none.done, ...lost.done], [])
})

test('an event that is being planned is not planned twice', async () => {
  const answer = Promise.withResolvers<PlannedCommit>()
  const { events, done, plans } = receive(() => answer.promise)
  events.receive(event)
  await eventually(() => plans() === 1)
  events.receive(event)
  answer.resolve(planned('whole'))
  await eventually(() => done.length > 0)
  assert.equal(plans(), 1)
})

test('an event whose commit never appears at the git server is dropped after an hour', async () => {
  let asked = 0
  const missing = () => {
    asked++
    return Promise.reject(new NarwhalError('unavailable', missingCommit(event.sha, 'acme/app')))
  }
  const recent = receive(missing)
  recent.events.receive(event)
  await eventually(() => asked === 1)
  const old = receive(missing)
  old.events.receive({ ...event, receivedAt: event.receivedAt - 3_600_000 })
  await eventually(() => old.done.length > 0)
  assert.match(old.done[0] ?? '', /^dropped: commit a{40} is not in acme\/app/)
  assert.deepEqual(recent.done, [])
})
