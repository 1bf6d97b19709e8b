import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndMarker } from './end-marker.ts'

test('finds the marker wherever it is split, and returns all output before it', () => {
  const marker = new EndMarker()
  const whole = Buffer.from(`one\ntwo \u0001narwhal ${marker.token} 7 0\nleft behind`)
  for (let cut = 0; cut <= whole.length; cut++) {
    const finder = marker.finder()
    const output: Uint8Array[] = []
    let facts: string | undefined
    for (const part of [whole.subarray(0, cut), whole.subarray(cut)]) {
      if (facts !== undefined) break
      const found = finder.feed(part)
      output.push(found.output)
      facts = found.facts
    }
    assert.equal(Buffer.concat(output).toString(), 'one\ntwo \u0001narwhal ')
    assert.equal(facts, '7 0')
  }
})

test("holds nothing back that can't be a marker", () => {
  const finder = new EndMarker().finder()
  assert.equal(
    Buffer.from(finder.feed(Buffer.from('Continue? [yn]')).output).toString(),
    'Continue? [yn]',
  )
  assert.equal(finder.feed(Buffer.from('\u0001')).output.length, 0)
  assert.equal(Buffer.from(finder.feed(Buffer.from('x')).output).toString(), '\u0001x')
  assert.equal(finder.rest().length, 0)
})
