import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aPipeline } from '#root/test/support/cli/views.ts'
import type { LiveEvent } from './live-event.ts'
import type { LiveResponse } from './live-protocol.ts'
import {
  type LiveEffect,
  type LiveSession,
  NO_SESSION,
  receive,
  reconnected,
  subscribe,
  unsubscribe,
} from './live-session.ts'

const everything = { kind: 'everything' } as const
const log = { kind: 'log', jobId: 'job_1', attempt: 1 } as const

const change = (seq: number): LiveEvent => ({
  type: 'pipeline.changed',
  seq,
  pipeline: aPipeline(),
})
const lines = (...numbers: number[]): LiveEvent => ({
  type: 'log.appended',
  jobId: 'job_1',
  attempt: 1,
  lines: numbers.map((number) => ({ number, step: 0, at: 1, stream: 'stdout', text: 'x' })),
})
const sampled = {
  type: 'runner.sampled',
  sample: { runnerId: 'runner_1', at: 1 },
} as unknown as LiveEvent

/** What a subscriber hears of these, from one state to the next. */
function hear(start: LiveSession, ...said: readonly LiveResponse[]) {
  let session = start
  const effects: LiveEffect[] = []
  for (const response of said) {
    const [next, more] = receive(session, response)
    session = next
    effects.push(...more)
  }
  return { session, effects }
}

const told = (id: string, event: LiveEvent): LiveResponse => ({ type: 'event', id, event })

test('asks for a topic behind what the subscriber has, or from now on', () => {
  const [one, asked] = subscribe(NO_SESSION, everything, 5)
  assert.deepEqual(asked, [
    { type: 'send', request: { type: 'subscribe', id: '1', topic: everything, after: 5 } },
  ])
  const [two, more] = subscribe(one, log, undefined)
  assert.deepEqual(more, [{ type: 'send', request: { type: 'subscribe', id: '2', topic: log } }])
  assert.deepEqual([...two.subscriptions.keys()], ['1', '2'])
  assert.equal(one.subscriptions.size, 1, 'a former state stays as it was')
})

test('on a new connection goes on behind the last event of each subscription', () => {
  const [first] = subscribe(NO_SESSION, everything, 5)
  const [both] = subscribe(first, log, -1)
  const { session } = hear(both, told('1', change(6)), told('2', lines(0, 1, 2)))
  const [, effects] = reconnected(session)
  assert.deepEqual(effects, [
    { type: 'send', request: { type: 'subscribe', id: '1', topic: everything, after: 6 } },
    { type: 'send', request: { type: 'subscribe', id: '2', topic: log, after: 2 } },
  ])
})

test('hands over nothing twice, and what has no number always', () => {
  const [start] = subscribe(NO_SESSION, everything, 5)
  const news = [change(6), change(6), change(4), sampled, sampled, change(8)]
  const { effects } = hear(start, ...news.map((event) => told('1', event)))
  const heard = effects.map((effect) => effect.type === 'event' && effect.event)
  assert.deepEqual(heard, [change(6), sampled, sampled, change(8)])
})

test('what was missed is all told when it is ready, also where there was nothing', () => {
  const [start] = subscribe(NO_SESSION, everything, undefined)
  const { session, effects } = hear(start, { type: 'subscribed', id: '1', seq: 9 })
  assert.deepEqual(effects, [{ type: 'ready', id: '1' }])
  assert.equal(session.subscriptions.get('1')?.after, 9)
  const { session: later } = hear(session, { type: 'subscribed', id: '1', seq: 3 })
  assert.equal(later.subscriptions.get('1')?.after, 9)
})

test('after a reset it asks from now on, and takes whatever comes', () => {
  const [start] = subscribe(NO_SESSION, everything, 5)
  const { session, effects } = hear(start, { type: 'reset', id: '1' }, told('1', change(2)))
  assert.deepEqual(effects, [
    { type: 'reset', id: '1' },
    { type: 'event', id: '1', event: change(2) },
  ])
  const { session: reset } = hear(start, { type: 'reset', id: '1' })
  assert.deepEqual(reconnected(reset)[1], [
    { type: 'send', request: { type: 'subscribe', id: '1', topic: everything } },
  ])
  assert.equal(session.subscriptions.get('1')?.after, 2)
})

test('what has ended, was left, or was refused is not asked for again, nor heard of', () => {
  let [session] = subscribe(NO_SESSION, log, -1)
  ;[session] = subscribe(session, everything, 1)
  ;[session] = subscribe(session, everything, 1)
  const [left, asked] = unsubscribe(session, '2')
  assert.deepEqual(asked, [{ type: 'send', request: { type: 'unsubscribe', id: '2' } }])
  assert.deepEqual(unsubscribe(left, '2'), [left, []])
  const refusal = { code: 'forbidden', message: 'not yours' }
  const heard = hear(
    left,
    { type: 'end', id: '1' },
    { type: 'error', id: '3', ...refusal },
    told('1', lines(7)),
    told('2', change(9)),
    told('3', change(9)),
  )
  assert.deepEqual(heard.effects, [
    { type: 'end', id: '1' },
    { type: 'refused', id: '3', ...refusal },
  ])
  assert.deepEqual(reconnected(heard.session)[1], [])
})

test('what is wrong with the connection as a whole leaves the subscriptions', () => {
  const [start] = subscribe(NO_SESSION, everything, 5)
  const [session, effects] = receive(start, { type: 'error', code: 'invalid', message: 'what?' })
  assert.deepEqual(effects, [{ type: 'refused', id: undefined, code: 'invalid', message: 'what?' }])
  assert.equal(session, start)
})
