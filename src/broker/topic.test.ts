import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topicMatcher } from './topic.ts'

const CASES: readonly [pattern: string, topic: string, expected: boolean][] = [
  ['a', 'a', true],
  ['a', 'b', false],
  ['a', 'a.b', false],
  ['a.b', 'a', false],
  ['*', 'a', true],
  ['*', 'a.b', false],
  ['a.*', 'a', false],
  ['a.*.c', 'a.b.c', true],
  ['#', 'a', true],
  ['#', 'a.b.c', true],
  ['a.#', 'a', true],
  ['a.#', 'a.b.c', true],
  ['a.#', 'b.a', false],
  ['#.c', 'a.b.c', true],
  ['#.c', 'c', true],
  ['a.#.c', 'a.c', true],
  ['a.#.c', 'a.b.b.c', true],
  ['a.#.c', 'a.b.c.d', false],
  ['#.a.#.b', 'x.a.y.a.b', true],
  ['#.a.#.b', 'x.a.y.b.c', false],
  ['#.*', 'a', true],
  ['#.#', 'a', true],
  ['job.*', 'job.job_1', true],
  ['job', 'job.job_1', false],
]

for (const [pattern, topic, expected] of CASES) {
  test(`${pattern} ${expected ? 'matches' : 'does not match'} ${topic}`, () => {
    assert.equal(topicMatcher(pattern)(topic), expected)
  })
}

test('takes no exponential time for a pattern of many wildcards', () => {
  const matches = topicMatcher('#.a.'.repeat(30) + 'b')
  assert.equal(matches('a.'.repeat(2_000) + 'c'), false)
})
