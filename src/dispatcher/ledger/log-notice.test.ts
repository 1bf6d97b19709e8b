import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChunkLine, chunkOf } from '../../contract/log/log-chunk.ts'
import { logNotice } from './log-notice.ts'

const lines = (count: number, text: string) =>
  Array.from({ length: count }, (): ChunkLine => ({ at: 5, stream: 'stdout', text }))
const log = { jobId: 'job_1', attempt: 2, fence: 1, lastSeq: 3, firstLine: 40 } as const

test('the event contains a few lines, numbered', () => {
  const chunks = [chunkOf(0, lines(2, 'a')), chunkOf(1, lines(1, 'b'))]
  const notice = logNotice({ ...log, chunks })
  assert.ok(notice.type === 'log.appended')
  assert.deepEqual(
    notice.lines.map(({ number, step, text }) => [number, step, text]),
    [
      [40, 0, 'a'],
      [41, 0, 'a'],
      [42, 1, 'b'],
    ],
  )
})

test('of many lines, or long ones, the event only has the number', () => {
  const grew = { type: 'log.grew', jobId: 'job_1', attempt: 2 }
  const many = [chunkOf(0, lines(400, 'a')), chunkOf(0, lines(400, 'a'))]
  assert.deepEqual(logNotice({ ...log, chunks: many }), { ...grew, lines: 840 })
  const long = [chunkOf(0, lines(1, 'x'.repeat(40_000)))]
  assert.deepEqual(logNotice({ ...log, chunks: long }), { ...grew, lines: 41 })
})
