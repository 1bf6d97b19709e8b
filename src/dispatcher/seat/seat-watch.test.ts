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

/** Polls every SEAT_BEAT_MS from `from` for `forMs`, and returns the ids that have expired at the end. */
function poll(watch: SeatWatch, from: number, forMs: number, seats: DispatcherRecord[]): string[] {
  let expired: DispatcherRecord[] = []
  for (let now = from; now <= from + forMs; now += SEAT_BEAT_MS) expired = watch.judge(seats, now)
  return expired.map(({ id }) => id)
}

test('a seat expires when its heartbeats have stopped for long enough', () => {
  const watch = new SeatWatch()
  assert.deepEqual(poll(watch, 0, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)]), [])
  assert.deepEqual(poll(watch, SEAT_MS, 0, [seat('a', 5)]), ['dispatcher_a'])
})

test('a seat with heartbeats never expires', () => {
  const watch = new SeatWatch()
  for (let beats = 0; beats < 100; beats++) {
    assert.deepEqual(poll(watch, beats * SEAT_BEAT_MS, 0, [seat('a', beats)]), [])
  }
})

test('heartbeats that count backwards are heartbeats, too', () => {
  const watch = new SeatWatch()
  poll(watch, 0, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)])
  assert.deepEqual(poll(watch, SEAT_MS, 0, [seat('a', 0)]), [])
})

test('after a pause of its own it gives everyone the full time again', () => {
  const watch = new SeatWatch()
  poll(watch, 0, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)])
  const later = SEAT_MS * 10
  assert.deepEqual(poll(watch, later, SEAT_MS - SEAT_BEAT_MS, [seat('a', 5)]), [])
  assert.deepEqual(poll(watch, later + SEAT_MS, 0, [seat('a', 5)]), ['dispatcher_a'])
})

test('a seat that comes back after it was gone is new', () => {
  const watch = new SeatWatch()
  poll(watch, 0, SEAT_MS - 2 * SEAT_BEAT_MS, [seat('a', 5)])
  poll(watch, SEAT_MS - SEAT_BEAT_MS, 0, [])
  assert.deepEqual(poll(watch, SEAT_MS, 0, [seat('a', 5)]), [])
})
