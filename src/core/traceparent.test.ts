import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTraceparent } from './traceparent.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

test('reads the trace that a request is part of, whichever version says so', () => {
  const span = { traceId: TRACE, spanId: SPAN }
  for (const text of [
    `00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-00`,
    `cc-${TRACE}-${SPAN}-01-x`,
  ]) {
    assert.deepEqual(parseTraceparent(text), span, text)
  }
})

test('takes nothing else for a trace', () => {
  const wrong = [
    undefined,
    '',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-x`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(200)}`,
  ]
  for (const text of wrong) assert.equal(parseTraceparent(text), undefined, text)
})
