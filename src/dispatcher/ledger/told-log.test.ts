import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChunkLine, chunkOf } from '../../contract/log/log-chunk.ts'
import { toldOf } from './told-log.ts'

const lines = (count: number, text: string) =>
  Array.from({ length: count }, (): ChunkLine => ({ at: 5, stream: 'stdout', text }))
const log = { jobId: 'job_1', attempt: 2, fence: 1, lastSeq: 3, firstLine: 40 } as const

test('a few lines go along with the news, numbered on', () => {
  const chunks = [chunkOf(0, lines(2, 'a')), chunkOf(1, lines(1, 'b'))]
  const told = toldOf({ ...log, chunks })
  assert.ok(told.type === 'log.appended')
  assert.deepEqual(
    told.lines.map(({ number, step, text }) => [number, step, text]),
    [
      [40, 0, 'a'],
      [41, 0, 'a'],
      [42, 1, 'b'],
    ],
  )
})

test('of many lines, and of long ones, it is told that they are there', () => {
  const grew = { type: 'log.grew', jobId: 'job_1', attempt: 2 }
  const many = [chunkOf(0, lines(400, 'a')), chunkOf(0, lines(400, 'a'))]
  assert.deepEqual(toldOf({ ...log, chunks: many }), { ...grew, lines: 840 })
  const long = [chunkOf(0, lines(1, 'x'.repeat(40_000)))]
  assert.deepEqual(toldOf({ ...log, chunks: long }), { ...grew, lines: 41 })
})
