import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrowingMask, MOST_TOGETHER } from './growing-mask.ts'
import { MaskedStream, SecretMask } from './secret-mask.ts'

const valueOf = (n: number) => `learned-${n}-${(n * 7919).toString(36).padStart(6, '0')}`

/** One that counts the values which are made ready, and how many at a time. */
function counted() {
  const counts: number[] = []
  const growing = new GrowingMask((values) => {
    const all = [...values]
    counts.push(all.length)
    return SecretMask.of(all)
  })
  return { growing, counts }
}

test('a value that comes makes no more than a few ready anew, however many there are', () => {
  const { growing, counts } = counted()
  const count = 100
  for (let n = 0; n < count; n++) growing.add([valueOf(n)])
  assert.equal(counts.length, count)
  assert.ok(Math.max(...counts) <= MOST_TOGETHER)
  const made = counts.reduce((sum, one) => sum + one, 0)
  // All together each time it would be half the square of their number.
  assert.ok(made <= (count * (MOST_TOGETHER + 1)) / 2, `${made} values were made ready`)
  assert.equal(growing.masks.length, Math.ceil(count / MOST_TOGETHER))
})

test('those that come together are made ready once, and long ones apart from others', () => {
  const { growing, counts } = counted()
  growing.add(Array.from({ length: 20 }, (_, n) => valueOf(n)))
  assert.deepEqual(counts, [8, 8, 4])
  counts.length = 0
  growing.add(['x'.repeat(1000)])
  growing.add(['y'.repeat(1000)])
  growing.add([valueOf(30)])
  assert.deepEqual(counts, [1, 1, 2])
  growing.add([])
  assert.equal(counts.length, 3)
})

test('each of many is masked in a stream that learns of them one by one, and in what it held back', () => {
  const growing = new GrowingMask()
  const stream = new MaskedStream([])
  const shown: string[] = []
  for (let n = 0; n < 30; n++) {
    // The beginning of the next one may be held back, or have been given out already.
    growing.add([valueOf(n)])
    stream.hideAlso(growing.masks)
    for (let m = 0; m <= n; m++) shown.push(stream.write(Buffer.from(`<${valueOf(m)}>`)).toString())
    shown.push(stream.write(Buffer.from(valueOf(n).slice(0, 9))).toString())
    growing.add([`again-${valueOf(n)}`])
    stream.hideAlso(growing.masks)
    shown.push(stream.write(Buffer.from(valueOf(n).slice(9))).toString())
  }
  shown.push(stream.end().toString())
  const text = shown.join('')
  for (let n = 0; n < 30; n++) assert.ok(!text.includes(valueOf(n)), valueOf(n))
  assert.equal(text.match(/<\*\*\*>/g)?.length, (30 * 31) / 2)
})

test('what is of no use any more is forgotten, and the oldest where there are too many', () => {
  const { growing } = counted()
  growing.add(['x'.repeat(1020)], 100)
  growing.add(['y'.repeat(1020)], 200)
  growing.add(['z'.repeat(1020)], 300)
  const before = growing.masks
  growing.forget(50, 10)
  assert.equal(growing.masks, before)
  growing.forget(150, 10)
  assert.deepEqual(growing.masks, before.slice(1))
  growing.forget(150, 1)
  assert.deepEqual(growing.masks, before.slice(2))
})
