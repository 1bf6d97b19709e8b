import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesInWords, floodInWords, LOG_BYTES, leftOutInWords } from './log-limit.ts'

test('sizes are said as people say them', () => {
  assert.equal(bytesInWords(LOG_BYTES), '1 GiB')
  assert.equal(bytesInWords(1536), '1.5 KiB')
  assert.equal(bytesInWords(7), '7 bytes')
  assert.equal(bytesInWords(300 * 1024 ** 2), '300 MiB')
})

test('what is left out is said with its size and the setting', () => {
  const words = leftOutInWords({ lines: 12, bytes: 2048 }, 16 * 1024 ** 2)
  assert.equal(words, '12 lines (2 KiB) omitted here: the limit of a log is 16 MiB (--log-size)')
  assert.match(floodInWords(LOG_BYTES), /^log_limit: .* 10 times the limit of 1 GiB .*--log-size/)
})
