import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeShortage, roomLeft } from './database-room.ts'

const MiB = 1024 ** 2
const rules = { reserveBytes: 128 * MiB }

test('what is free inside the database counts as room', () => {
  const room = { usedBytes: 900 * MiB, freeInsideBytes: 100 * MiB, freeOutsideBytes: 50 * MiB }
  assert.equal(roomLeft(room, rules), 150 * MiB)
  assert.equal(describeShortage(room, rules), undefined)
  assert.match(
    describeShortage({ ...room, freeInsideBytes: 0 }, rules) ?? '',
    /room for 50 MiB more, .* less than 128 MiB \(--database-reserve\)/,
  )
})

test('where the disk says nothing, a size may', () => {
  const room = { usedBytes: 900 * MiB, freeInsideBytes: 0 }
  assert.equal(describeShortage(room, rules), undefined)
  assert.notEqual(describeShortage(room, { ...rules, mostBytes: 1000 * MiB }), undefined)
  assert.equal(roomLeft(room, { ...rules, mostBytes: 800 * MiB }), 0)
})
