import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEAT_BEAT_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherRecord } from '../../store/records.ts'
import { SeatWatch } from './seat-watch.ts'

const seat = (id: string, heartbeats: number): DispatcherRecord => ({
  id: `dispatcher_${id}`,
  heartbeats,
  startedAt: 0,
})

/** Looks every SEAT_BEAT_MS from `from` on for as long, and gives the ids that were over last. */
function look(watch: SeatWatch, from: number, forMs: number, seats: DispatcherRecord[]): string[] {
  let over: DispatcherRecord[] = []
  for (let now = from; now <= from + forMs; now += SEAT_BEAT_MS) over = watch.judge(seats, now)
  return over.map(({ id }) => id)
}

test('a seat is over when its beats have stood still for long enough', () => {
  const watch = new SeatWatch()
  assert.deepEqual(look(watch, 0, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)]), [])
  assert.deepEqual(look(watch, SEAT_MS, 0, [seat('a', 5)]), ['dispatcher_a'])
})

test('a seat that beats is never over', () => {
  const watch = new SeatWatch()
  for (let beats = 0; beats < 100; beats++) {
    assert.deepEqual(look(watch, beats * SEAT_BEAT_MS, 0, [seat('a', beats)]), [])
  }
})

test('beats that count backwards are beats, too', () => {
  const watch = new SeatWatch()
  look(watch, 0, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)])
  assert.deepEqual(look(watch, SEAT_MS, 0, [seat('a', 0)]), [])
})

test('after a pause of its own it gives everybody the whole time anew', () => {
  const watch = new SeatWatch()
  look(watch, 0, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)])
  const later = SEAT_MS * 10
  assert.deepEqual(look(watch, later, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)]), [])
  assert.deepEqual(look(watch, later + SEAT_MS, 0, [seat('a', 5)]), ['dispatcher_a'])
})

test('a seat that came back after it was gone is new', () => {
  const watch = new SeatWatch()
  look(watch, 0, SEAT_MS - 2 * SEAT_BEAT_MS, [seat('a', 5)])
  look(watch, SEAT_MS - SEAT_BEAT_MS, 0, [])
  assert.deepEqual(look(watch, SEAT_MS, 0, [seat('a', 5)]), [])
})
