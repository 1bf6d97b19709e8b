import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { measureLines, middleOf, toLogText, wholeCharacters } from './line-bytes.ts'

const bytes = fc.array(fc.constantFrom(...Buffer.from('aaaa\n\x0b\x09\x8a\x80\0')), {
  maxLength: 60,
})

test('counts lines and finds the longest, wherever the bytes begin in memory', () => {
  fc.assert(
    fc.property(bytes, fc.nat(7), (list, offset) => {
      const all = Buffer.concat([Buffer.alloc(offset), Uint8Array.from(list)]).subarray(offset)
      const lines = all.toString('latin1').split('\n').slice(0, -1)
      const { count, longest } = measureLines(all)
      assert.deepEqual(
        [count, longest],
        [lines.length, Math.max(0, ...lines.map((line) => line.length))],
      )
    }),
    { numRuns: 1000 },
  )
})

test('parts lines in the middle, where there are several', () => {
  assert.equal(middleOf(Buffer.from('one\ntwo\n')), 4)
  assert.equal(middleOf(Buffer.from('a\nlong enough\n')), 2)
  assert.equal(middleOf(Buffer.from('long enough\na\n')), 12)
  assert.equal(middleOf(Buffer.from('only one\n')), undefined)
})

test('makes text of whole lines', () => {
  const text = toLogText(Buffer.from('a\r\n\r\nb\rc\0\n'))
  assert.equal(text.toString(), 'a\n\nb\rc\u2400\n')
  assert.equal(toLogText(Buffer.from([0x61, 0xff, 10])).toString(), 'a\ufffd\n')
})

test('leaves a character that is still on its way', () => {
  for (const text of ['a', 'aé', 'a–', 'a🐋']) {
    const whole = Buffer.from(text)
    for (let length = 1; length <= whole.length; length++) {
      const expected = length === whole.length ? length : 1
      assert.equal(wholeCharacters(whole.subarray(0, length)), expected, `${length} of ${text}`)
    }
  }
  // What will never be a character is not waited for.
  assert.equal(wholeCharacters(Buffer.from([0x80, 0x80, 0x80, 0x80])), 4)
  assert.equal(wholeCharacters(Buffer.from([0xff])), 1)
})
