import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fillOutputs, outputReferences, readOutputLines } from './outputs.ts'

const DECLARED = ['version', 'IMAGE']

test('reads a value from each line, and the last of a name counts', () => {
  const read = readOutputLines('version=1.0\r\n\nIMAGE=a=b \nversion=2', DECLARED)
  assert.deepEqual(read, { ok: true, outputs: { version: '2', IMAGE: 'a=b ' } })
  assert.deepEqual(readOutputLines('', DECLARED), { ok: true, outputs: {} })
})

test('refuses what is no output, and says which line', () => {
  const problem = (text: string): string => {
    const read = readOutputLines(text, DECLARED)
    return read.ok ? '' : read.problem
  }
  assert.equal(problem('version=1\nnonsense\n'), 'line 2 is not NAME=value: "nonsense"')
  assert.match(problem('a b=1'), /^line 1 is not NAME=value/)
  assert.match(problem('=1'), /^line 1 is not NAME=value/)
  assert.match(
    problem('other=1'),
    /^other is not declared: the job's `outputs` are version, IMAGE$/,
  )
  assert.match(problem(`version=${'x'.repeat(65_536)}`), /more than 65536 bytes/)
  assert.match(problem('version=\0'), /NUL/)
})

test('fills in what jobs have told, once, whatever it looks like', () => {
  const text = '${needs.a.b.outputs.v}-${needs.c.outputs.w}-${needs.c.output.w}-${HOME}'
  assert.deepEqual(outputReferences(text), [
    { need: 'a.b', output: 'v' },
    { need: 'c', output: 'w' },
  ])
  const told = { v: '${needs.c.outputs.w}' }
  const filled = fillOutputs(text, (need) => (need === 'a.b' ? told : {}))
  assert.equal(filled, '${needs.c.outputs.w}--${needs.c.output.w}-${HOME}')
})

test('gives back any values that fit on a line', () => {
  const value = fc.string({ unit: 'binary' }).filter((text) => !/[\n\r\0]/.test(text))
  fc.assert(
    fc.property(value, value, (version, IMAGE) => {
      const outputs = { version, IMAGE }
      const text = Object.entries(outputs).map(([name, one]) => `${name}=${one}\n`)
      assert.deepEqual(readOutputLines(text.join(''), DECLARED), { ok: true, outputs })
    }),
    { numRuns: 500 },
  )
})
