import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundedFiles, changedFiles } from './changed-files.ts'

test('the files that say what is run come first', () => {
  const said = new Set(['narwhal.yml', 'ci/lint.yml'])
  assert.deepEqual(changedFiles(['README.md', 'ci/lint.yml', 'src/a.ts'], said), {
    pipeline: ['ci/lint.yml'],
    others: ['README.md', 'src/a.ts'],
    total: 3,
  })
})

test('however many and however long they are, few are shown and all are counted', () => {
  const paths = Array.from({ length: 100_000 }, (_, i) => `${'d/'.repeat(1_000)}${i}`)
  const files = changedFiles(['narwhal.yml', ...paths], new Set(['narwhal.yml']))
  assert.deepEqual(files.pipeline, ['narwhal.yml'])
  assert.equal(files.total, 100_001)
  assert.ok(files.others.length > 0 && files.others.join('').length <= 4_000)
  const short = changedFiles(
    Array.from({ length: 200 }, (_, i) => `${i}`),
    new Set(),
  )
  assert.equal(short.others.length, 50)
})

test('thousands of pipeline files hide neither that there are some nor their number', () => {
  const paths = Array.from({ length: 5_000 }, (_, i) => `ci/${i}.yml`)
  const { pipeline, others, total } = changedFiles(paths, new Set(paths))
  assert.deepEqual([pipeline.length, others.length, total], [50, 0, 5_000])
})

test('a count that is smaller than what was told is not believed', () => {
  assert.equal(boundedFiles({ pipeline: ['a'], others: ['b'], total: 0 }).total, 2)
})
