import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { loweredRlimits, oomScoreOf, parseRlimits, rlimitsOf } from './rlimits.ts'

const DEFAULT_STACK = 'Max stack size            8388608              unlimited            bytes'

function own(files: string, stack = DEFAULT_STACK): string {
  return `Limit                     Soft Limit           Hard Limit           Units
${stack}
Max core file size        0                    unlimited            bytes
Max open files            1024                 ${files}               files
`
}

test('lets processes open as many files whatever the runner may open', () => {
  for (const files of ['16384', '20000', '1000000', 'unlimited']) {
    const limits = parseRlimits(own(files))
    assert.deepEqual(rlimitsOf(limits), [
      { type: 'RLIMIT_NOFILE', soft: 16_384, hard: 16_384 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ])
    assert.equal(loweredRlimits(limits), '')
  }
})

test('lowers what the runner can’t raise, and says so', () => {
  const limits = parseRlimits(own('64'))
  assert.deepEqual(rlimitsOf(limits)[0], { type: 'RLIMIT_NOFILE', soft: 64, hard: 64 })
  assert.match(loweredRlimits(limits), /64 files instead of 16384.*LimitNOFILE=/)
})

test('gives processes the usual stack where the runner has another', () => {
  const unlimited = 'Max stack size            unlimited            unlimited            bytes'
  assert.deepEqual(rlimitsOf(parseRlimits(own('20000', unlimited))).at(-1), {
    type: 'RLIMIT_STACK',
    soft: 8_388_608,
    hard: Number.MAX_SAFE_INTEGER,
  })
  const small = 'Max stack size            65536                1048576              bytes'
  assert.deepEqual(rlimitsOf(parseRlimits(own('20000', small))).at(-1), {
    type: 'RLIMIT_STACK',
    soft: 1_048_576,
    hard: 1_048_576,
  })
})

test('does not protect jobs when memory is short, and lowers nothing', () => {
  assert.deepEqual(['-500\n', '0\n', '300\n', ''].map(oomScoreOf), [0, 0, 300, 0])
})

test('reads its own limits', async () => {
  const { openFiles, stackBytes } = parseRlimits(await readFile('/proc/self/limits', 'utf8'))
  assert.ok(openFiles.soft > 0 && openFiles.hard >= openFiles.soft)
  assert.ok(stackBytes.soft > 0)
})
