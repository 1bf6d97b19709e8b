import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLine } from '../../../src/contract/views.ts'
import { EMPTY_LOG, groupLines, reduceLog } from './log-window.ts'

const linesFrom = (from: number, to: number, step = 0): LogLine[] =>
  Array.from({ length: to - from }, (_, index) => ({
    number: from + index,
    step,
    at: 0,
    stream: 'stdout',
    text: `line ${from + index}`,
  }))

const append = (state: typeof EMPTY_LOG, lines: LogLine[], keep = 10) =>
  reduceLog(state, { type: 'appended', lines, keep })

test('takes each line once, though the server may send it again', () => {
  const state = append(append(EMPTY_LOG, linesFrom(0, 3)), linesFrom(1, 5))
  assert.deepEqual(
    state.lines.map(({ number }) => number),
    [0, 1, 2, 3, 4],
  )
})

test('lets go of the oldest lines', () => {
  const state = append(append(EMPTY_LOG, linesFrom(0, 8)), linesFrom(8, 15))
  assert.equal(state.lines.length, 10)
  assert.equal(state.lines[0]?.number, 5)
})

test('puts older lines in front only where they fit without a hole', () => {
  const state = append(EMPTY_LOG, linesFrom(5, 8))
  const older = reduceLog(state, { type: 'older', lines: linesFrom(2, 6) })
  assert.deepEqual(
    older.lines.map(({ number }) => number),
    [2, 3, 4, 5, 6, 7],
  )
  assert.equal(reduceLog(state, { type: 'older', lines: linesFrom(1, 3) }), state)
})

test('carries colours from line to line, but not into what Narwhal itself says', () => {
  const said: LogLine[] = [
    { number: 0, step: 0, at: 0, stream: 'stdout', text: '\x1b[31mred' },
    { number: 1, step: 0, at: 0, stream: 'narwhal', text: 'a note' },
    { number: 2, step: 0, at: 0, stream: 'stdout', text: 'still red' },
  ]
  const { lines } = append(EMPTY_LOG, said)
  assert.deepEqual(
    lines.map(({ spans }) => spans[0]?.className),
    ['a-fg-1', '', 'a-fg-1'],
  )
})

test('groups by step, in pieces cut at fixed numbers', () => {
  const all = [...linesFrom(0, 450), ...linesFrom(450, 460, 1)]
  const { lines } = append(EMPTY_LOG, all, 1000)
  const shape = groupLines(lines).map(({ step, chunks, count }) => ({
    step,
    count,
    chunks: chunks.map((chunk) => chunk.length),
  }))
  assert.deepEqual(shape, [
    { step: 0, count: 450, chunks: [200, 200, 50] },
    { step: 1, count: 10, chunks: [10] },
  ])
})
