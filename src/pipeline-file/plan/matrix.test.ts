import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expandMatrix } from './matrix.ts'

const scalar = fc.oneof(fc.nat(5), fc.boolean(), fc.constantFrom('a', 'b', 'c', '1'))
const axis = fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 })
const combination = fc.dictionary(fc.constantFrom('x', 'y'), scalar, { maxKeys: 2 })

test('has every combination once but the excluded ones, then the included ones', () => {
  const matrix = fc.record({
    x: axis,
    y: axis,
    include: fc.array(combination, { maxLength: 3 }),
    exclude: fc.array(combination, { maxLength: 3 }),
  })
  fc.assert(
    fc.property(matrix, ({ x, y, include, exclude }) => {
      const { combinations, issues } = expandMatrix(
        { x, y, include, exclude } as never,
        [],
        () => '',
      )
      const wanted = x
        .flatMap((a) => y.map((b) => ({ x: a, y: b })))
        .filter(
          (one) =>
            !exclude.some((out) =>
              Object.entries(out).every(([name, value]) => one[name as 'x'] === value),
            ),
        )
      const found = combinations.map((one) =>
        Object.fromEntries([...one].map(([name, { value }]) => [name, value])),
      )
      assert.deepEqual(found, [...wanted, ...include.map((one) => ({ ...one }))])
      assert.equal(issues.length, combinations.length === 0 ? 1 : 0)
    }),
    { numRuns: 10_000 },
  )
})
