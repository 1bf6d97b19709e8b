import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FairPlaces } from './fair-places.ts'

const options = { atOnce: 3, atOnceOfOne: 2, waiting: 4, ofOne: 4, doing: 'searches are running' }
const never = new AbortController().signal

/** Asks for places and tells who has one. */
function openPlaces() {
  const places = new FairPlaces(options)
  const inside: string[] = []
  const ask = async (who: string, signal = never): Promise<() => void> => {
    const place = await places.take(who, signal)
    inside.push(who)
    return () => {
      inside.splice(inside.indexOf(who), 1)
      place[Symbol.dispose]()
      place[Symbol.dispose]()
    }
  }
  return { inside, ask }
}

test('who asks for many waits, and takes nobody else the place', async () => {
  const { inside, ask } = openPlaces()
  const [first] = await Promise.all([ask('ada'), ask('ada')])
  const third = ask('ada')
  const fourth = ask('ada')
  await assert.rejects(ask('ada'), {
    code: 'exhausted',
    message: /^4 searches are running for you: try again/,
  })
  await ask('bob')
  await nextTurn()
  assert.deepEqual(inside, ['ada', 'ada', 'bob'])
  const waiting = ask('bob')
  first?.()
  // Who came first has its turn first; bob has no share of a place that is not free.
  ;(await third)()
  ;(await fourth)()
  await waiting
  assert.deepEqual(inside.toSorted(), ['ada', 'bob', 'bob'])
})

test('there is an end to those who wait, and one that gives up makes room', async () => {
  const { inside, ask } = openPlaces()
  const leave = await Promise.all(['a', 'b', 'c'].map((who) => ask(who)))
  const enough = new AbortController()
  const waiting = ['d', 'e', 'f'].map((who) => ask(who))
  const gives = ask('g', enough.signal)
  await assert.rejects(ask('h'), {
    code: 'exhausted',
    message: /^7 searches are running: try again/,
  })
  enough.abort(new Error('gone'))
  await assert.rejects(gives, { message: 'gone' })
  const last = ask('h')
  for (const one of leave) one()
  for (const one of await Promise.all(waiting)) one()
  ;(await last)()
  assert.deepEqual(inside, [])
})

test('one that is let in just as it gives up keeps no place', async () => {
  const { inside, ask } = openPlaces()
  const leave = await Promise.all(['a', 'b', 'c'].map((who) => ask(who)))
  const enough = new AbortController()
  const gives = ask('d', enough.signal)
  await nextTurn()
  enough.abort(new Error('gone'))
  leave[0]?.()
  await assert.rejects(gives, { message: 'gone' })
  await ask('e')
  assert.deepEqual(inside, ['b', 'c', 'e'])
})
