import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDu, summarize } from './measure-folders.ts'

const FOLDERS = [
  { path: '/data/w', name: '/workspace' },
  { path: '/data/s/tmp', name: '/tmp' },
]

test('names the largest folders by the words of the job, none that only stands around another', () => {
  const text = [
    '40\t/data/w/src',
    '9000\t/data/w/target/debug',
    '200\t/data/w/target/doc',
    '9300\t/data/w/target',
    '9400\t/data/w',
    '700\t/data/s/tmp',
  ].join('\n')
  assert.deepEqual(summarize(parseDu(`${text}\n`), FOLDERS), {
    bytes: 10_100 * 1024,
    largest: [
      { path: '/workspace/target/debug', bytes: 9000 * 1024 },
      { path: '/tmp', bytes: 700 * 1024 },
      { path: '/workspace/target/doc', bytes: 200 * 1024 },
    ],
  })
})

test('takes what du says of names with odd characters, and nothing for a folder that is gone', () => {
  const use = summarize(parseDu('8\t/data/w/a b\tc\ndu: cannot read\n16\t/data/w\n'), FOLDERS)
  assert.equal(use.bytes, 16 * 1024)
  assert.deepEqual(use.largest, [{ path: '/workspace', bytes: 16 * 1024 }])
  assert.deepEqual(summarize(new Map(), FOLDERS), { bytes: 0, largest: [] })
})
