import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockAt, HEAD, layOut, placeOf, rowsBetween } from './log-rows.ts'

/** Three steps: ten lines, none, and five of a step that is folded. */
const rows = layOut(
  [
    { step: 0, from: 0, count: 10 },
    { step: 2, from: 10, count: 5 },
  ],
  4,
  new Set([2]),
)

test('each step has a head, and its lines below it unless it is folded', () => {
  assert.deepEqual(
    rows.blocks.map(({ top }) => top),
    [0, HEAD + 10, 2 * HEAD + 10, 3 * HEAD + 10],
  )
  assert.equal(rows.height, 4 * HEAD + 10)
})

test('a log may speak of more steps than are known', () => {
  assert.equal(layOut([{ step: 5, from: 0, count: 1 }], 0, new Set()).blocks.length, 6)
  assert.deepEqual(layOut([], 0, new Set()), { blocks: [], height: 0 })
})

test('finds a line by its place and a place by its line', () => {
  assert.equal(placeOf(rows, 0), HEAD)
  assert.equal(placeOf(rows, 9), HEAD + 9)
  assert.equal(placeOf(rows, 10), undefined)
  assert.equal(placeOf(rows, 99), undefined)
  assert.equal(blockAt(rows, HEAD + 9)?.step, 0)
  assert.equal(blockAt(rows, HEAD + 10)?.step, 1)
})

test('gives whole rows of what is in sight, those that are cut by its edges too', () => {
  const shown = rowsBetween(rows, HEAD + 7.5, HEAD + 10.5).map((row) =>
    row.kind === 'head' ? `step ${row.block.step}` : `line ${row.number}`,
  )
  assert.deepEqual(shown, ['line 7', 'line 8', 'line 9', 'step 1'])
  assert.equal(rowsBetween(rows, 0, rows.height).length, 4 + 10)
  assert.deepEqual(rowsBetween(rows, rows.height, rows.height + 5), [])
})
