import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aLine } from '../../../test/support/cli/views.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { LogLines, PAGE } from './log-lines.ts'

const lineOf = (number: number) => aLine(number, Math.floor(number / 700), `line ${number}`)
const text = (log: LogLines, number: number) => log.lineAt(number)?.spans[0]?.text ?? null

/** A log of so many lines, read at most `atOnce` at a time. */
function open(total: number, atOnce = PAGE) {
  const asked: [number, number][] = []
  const errors: unknown[] = []
  let trouble: Error | undefined
  const log = new LogLines({
    read: async (from, limit) => {
      asked.push([from, limit])
      if (trouble) throw trouble
      const count = Math.max(0, Math.min(limit, atOnce, total - from))
      return Array.from({ length: count }, (_, index) => lineOf(from + index))
    },
    onError: (error) => errors.push(error),
  })
  return { log, asked, errors, fail: (error: Error | undefined) => (trouble = error) }
}

test('reads the pages that are looked at, each once', async () => {
  const { log, asked } = open(2_000)
  log.begin([{ step: 0, from: 0, count: 2_000 }], 2_000)
  log.want(900, 1_020)
  log.want(900, 1_020)
  await eventually(() => text(log, 900) && text(log, 1_019))
  assert.deepEqual(asked, [
    [500, 500],
    [1_000, 500],
  ])
  assert.equal(text(log, 1_019), 'line 1019')
  assert.equal(log.lineAt(100), undefined)
})

test('a page of long lines comes in several answers', async () => {
  const { log, asked } = open(700, 300)
  log.begin([], 700)
  log.want(500, 700)
  await eventually(() => text(log, 699))
  assert.deepEqual(asked, [[500, 200]])
  log.want(0, 10)
  await eventually(() => text(log, 499))
  assert.deepEqual(asked.slice(1), [
    [0, 500],
    [300, 200],
  ])
})

test('lines that come live follow what is here; those that are there already change nothing', async () => {
  const { log } = open(3)
  log.begin([{ step: 0, from: 0, count: 2 }], 2)
  log.want(0, 2)
  await eventually(() => text(log, 1))
  log.append([lineOf(1), lineOf(2)])
  assert.equal(text(log, 2), 'line 2')
  assert.equal(log.state.total, 3)
  assert.deepEqual(log.state.sections, [{ step: 0, from: 0, count: 3 }])
  log.append([aLine(3, 1, 'of the next step')])
  assert.deepEqual(log.state.sections.at(-1), { step: 1, from: 3, count: 1 })
})

test('lines behind a gap are counted, and read when they are looked at', async () => {
  const { log, asked } = open(400)
  log.begin([], 10)
  log.append([lineOf(399)])
  assert.equal(log.state.total, 400)
  assert.equal(log.lineAt(399), undefined)
  log.want(390, 400)
  await eventually(() => text(log, 399))
  assert.deepEqual(asked, [[0, 400]])
})

test('keeps a bounded number of pages: the one not looked at for longest is read again', async () => {
  const total = 62 * PAGE
  const { log, asked } = open(total)
  log.begin([], total)
  for (let at = 0; at < 61; at++) {
    log.want(at * PAGE, at * PAGE + 1)
    await eventually(() => text(log, at * PAGE))
    // Looked at again and again.
    log.want(0, 1)
  }
  assert.equal(text(log, 0), 'line 0')
  assert.equal(log.lineAt(PAGE), undefined)
  const before = asked.length
  log.want(PAGE, PAGE + 1)
  await eventually(() => text(log, PAGE))
  assert.equal(asked.length, before + 1)
})

test('what can not be read is told, and may be wanted again', async () => {
  const { log, errors, fail } = open(10)
  log.begin([], 10)
  fail(new Error('offline'))
  log.want(0, 10)
  await eventually(() => errors.length === 1)
  fail(undefined)
  log.want(0, 10)
  await eventually(() => text(log, 9))
})

test('tells its watchers of every change, until they leave', () => {
  const { log } = open(1)
  let told = 0
  const leave = log.watch(() => told++)
  log.begin([], 1)
  log.end()
  assert.equal(told, 2)
  assert.ok(log.state.isComplete)
  leave()
  log.append([lineOf(1)])
  assert.equal(told, 2)
})
