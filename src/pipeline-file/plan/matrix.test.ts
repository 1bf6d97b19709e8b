import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
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
      const given = { x, y, include, exclude }
      const textAt = (path: readonly PropertyKey[]) =>
        String(
          path.reduce<unknown>((one, key) => (one as Record<PropertyKey, unknown>)[key], given),
        )
      const { combinations, issues } = expandMatrix(given as never, [], textAt)
      const wanted = x
        .flatMap((a) => y.map((b) => ({ x: a, y: b })))
        .filter(
          (one) =>
            !exclude.some((out) =>
              Object.entries(out).every(([name, value]) => `${one[name as 'x']}` === `${value}`),
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

test('values are what the job sees: 3.10 is not 3.1, quoted or not', () => {
  const jobs = (file: string): string[] => {
    const parsed = parsePipelineFile(file)
    assert.ok(parsed.ok, JSON.stringify(parsed))
    return parsed.plan.jobs.filter(({ leftOut }) => !leftOut).map(({ name }) => name)
  }
  const file = (matrix: string, more = ''): string =>
    `jobs:\n  t:\n    matrix: { python: ${matrix} }\n${more}    steps: [make]\n`
  assert.deepEqual(jobs(file('[3.9, 3.1, 3.10], exclude: [{ python: 3.1 }]')), [
    't (3.9)',
    't (3.10)',
  ])
  assert.deepEqual(jobs(file("[3.9, 3.10], exclude: [{ python: '3.10' }]")), ['t (3.9)'])
  assert.deepEqual(jobs(file("[3.9, '3.10'], exclude: [{ python: 3.10 }]")), ['t (3.9)'])
  const when = (expression: string): string => `    when: { expression: '${expression}' }\n`
  for (const values of ["['3.9', '3.1', '3.10']", '[3.9, 3.1, 3.10]']) {
    const expected = ['t (3.9)', 't (3.10)']
    const isListed = when('matrix.python in [3.9, "3.10"]')
    assert.deepEqual(
      jobs(file(values, when('matrix.python == 3.10 || matrix.python == "3.9"'))),
      expected,
    )
    assert.deepEqual(jobs(file(values, isListed)), expected)
    assert.deepEqual(jobs(file(values, when('starts_with(matrix.python, "3.1")'))), [
      't (3.1)',
      't (3.10)',
    ])
    assert.deepEqual(jobs(file(values, when('matrix.python > 3.2'))), ['t (3.9)'])
  }
})
