import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { Stage } from '#root/test/support/stage.ts'
import type { Broker, BrokerState } from '../broker/broker.ts'
import { topicOf } from '../contract/live/event-message.ts'
import type { PublishedEvent, StateChange } from '../contract/live/live-event.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { NarwhalError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import type { StoreReader } from '../store/store.ts'
import { LiveFeed } from './live-feed.ts'

async function openFeed(stage: Stage, over: { store?: StoreReader; broker?: Broker } = {}) {
  const { store, broker } = stage
  const feed = await LiveFeed.open({ store, broker, log: silentLog(), ...over })
  const events: PublishedEvent[] = []
  feed.listen((event) => events.push(event))
  const seqs = () => events.flatMap((event) => ('seq' in event ? [event.seq] : []))
  return { feed, events, seqs, [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('passes state changes, lines and samples on', async () => {
  await using stage = await Stage.open()
  await using opened = await openFeed(stage)
  const { job } = await stage.runJob()
  await stage.print(job, 0, ['hello'])
  await stage.finish(job)
  await eventually(() => assert.equal(opened.events.length, 6))
  assert.deepEqual(opened.seqs(), [1, 2, 3, 4, 5])
  assert.ok(opened.events.some(({ type }) => type === 'log.appended'))
})

test('starts with what is new, not with what was', async () => {
  await using stage = await Stage.open()
  await stage.runJob()
  await using opened = await openFeed(stage)
  const before = await stage.store.changes.last()
  await stage.addRunner()
  await eventually(() => assert.deepEqual(opened.seqs(), [before + 1]))
})

test('puts changes that overtook each other in order, and lets none pass twice', async () => {
  await using stage = await Stage.open()
  await using opened = await openFeed(stage)
  stage.isTelling = false
  for (let n = 0; n < 20; n++) await stage.addRunner({ name: `r${n}` })
  stage.isTelling = true
  const { changes } = await stage.store.changes.list({ after: 0, limit: 100 })
  const shuffled = [...changes, ...changes].toSorted(
    (a, b) => ((a.seq * 7) % 11) - ((b.seq * 7) % 11),
  )
  for (const change of shuffled) stage.tell(change)
  await eventually(() => assert.deepEqual(opened.seqs(), range(1, 21)))
  await stage.addRunner({ name: 'last' })
  await eventually(() => assert.deepEqual(opened.seqs(), range(1, 22)))
})

test('fills the holes of lost events from the store', async () => {
  await using stage = await Stage.open()
  await using opened = await openFeed(stage)
  for (let n = 0; n < 40; n++) {
    stage.isTelling = n % 5 === 4
    await stage.addRunner({ name: `r${n}` })
  }
  await eventually(() => assert.deepEqual(opened.seqs(), range(1, 41)))
})

test('catches up when the broker is back, though nothing more is told', async () => {
  await using stage = await Stage.open()
  const states = new EventHub<BrokerState>(() => {})
  const broker: Broker = Object.assign(Object.create(stage.broker) as Broker, {
    onState: (listener: (state: BrokerState) => void) => states.listen(listener),
    subscribeEvents: stage.broker.subscribeEvents.bind(stage.broker),
  })
  await using opened = await openFeed(stage, { broker })
  let gaps = 0
  opened.feed.onGap(() => gaps++)
  await stage.addRunner()
  await eventually(() => assert.deepEqual(opened.seqs(), [1]))
  stage.isTelling = false
  await stage.addRunner({ name: 'unheard' })
  states.emit('connecting')
  states.emit('ready')
  await eventually(() => assert.deepEqual(opened.seqs(), [1, 2]))
  assert.equal(gaps, 1)
})

test('goes on when the store is back', async () => {
  await using stage = await Stage.open()
  let isAway = false
  const { changes } = stage.store
  const list: StoreReader['changes']['list'] = (query) =>
    isAway
      ? Promise.reject(new NarwhalError('unavailable', 'the database is away'))
      : changes.list(query)
  const store = { ...stage.store, changes: { ...changes, list } }
  await using opened = await openFeed(stage, { store })
  isAway = true
  for (let n = 0; n < 3; n++) {
    stage.isTelling = n === 2
    await stage.addRunner({ name: `r${n}` })
  }
  await eventually(() => opened.feed.seq === 0)
  isAway = false
  await eventually(() => assert.deepEqual(opened.seqs(), [1, 2, 3]))
})

test('tells of a gap when the store has forgotten what was lost', async () => {
  await using stage = await Stage.open()
  await using opened = await openFeed(stage)
  let gaps = 0
  opened.feed.onGap(() => gaps++)
  stage.isTelling = false
  for (let n = 0; n < 10; n++) await stage.addRunner({ name: `r${n}` })
  await stage.write((write) => write.changes.prune(2))
  stage.isTelling = true
  await stage.addRunner({ name: 'last' })
  await eventually(() => assert.equal(opened.feed.seq, 11))
  assert.deepEqual(opened.seqs(), [9, 10, 11])
  assert.equal(gaps, 1)
})

test('does not wait for ever for a number that the store never had', async () => {
  await using stage = await Stage.open()
  await using opened = await openFeed(stage)
  const runner = await stage.addRunner()
  const { changes } = await stage.store.changes.list({ after: 0, limit: 1 })
  const strange = { ...(changes[0] as StateChange), seq: 500 } as StateChange
  stage.broker.publishEvent(topicOf(strange), { v: 1, event: strange })
  await stage.write((write) => write.runners.save({ ...runner, busy: 1 }))
  await eventually(() => assert.deepEqual(opened.seqs(), [1, 2]))
})
