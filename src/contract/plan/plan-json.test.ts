import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyPlan } from '../../../test/support/any-plan.ts'
import { readExpression } from '../../core/expression/read-expression.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { jobFromJson, jobToJson, planFromJson, planToJson } from './plan-json.ts'

const job: JobSpec = { name: 'a', env: {}, needs: [], labels: [], steps: [] }
const withCondition = (expression: string): string =>
  jobToJson({ ...job, onlyIf: 'here' } as unknown as JobSpec).replace(
    '"here"',
    `{"text":"x","expression":${expression}}`,
  )

test('whatever a plan says arrives as it was sent', () => {
  fc.assert(fc.property(anyPlan, (plan) => assert.deepEqual(planFromJson(planToJson(plan)), plan)))
})

test('the deepest and longest condition of a file arrives as it was sent', () => {
  const texts = [
    '!contains(["a", 1, true, null], needs.a.outputs.b) && lower(needs.a.outputs.c) >= "x"',
    `${'!'.repeat(40)}(${'needs.a.outputs.b||'.repeat(45)}true)`,
    `1${'<1'.repeat(498)}`,
  ]
  for (const text of texts) {
    const read = readExpression(text)
    assert.ok(read.ok, text)
    const sent: JobSpec = { ...job, onlyIf: { text, expression: read.expression } }
    assert.deepEqual(jobFromJson(jobToJson(sent)), sent)
  }
})

test('what is no condition is refused, however deep', () => {
  const deep = `${'{"kind":"not","of":'.repeat(12_000)}1${'}'.repeat(12_000)}`
  const wrong = ['', '1', '{', '{"kind":"name"}', '{"kind":"call","name":"eval","args":[]}', deep]
  for (const json of wrong) {
    assert.throws(() => jobFromJson(withCondition(json)), { code: 'invalid' })
  }
  assert.ok(jobFromJson(withCondition('{"kind":"name","name":"n","at":0}')).onlyIf)
})

test('says what of a plan can not be read, and where', () => {
  const wrong = [
    ['', /a job can't be read at its beginning/],
    ['{"name":"a"}', /a job can't be read at env/],
    [JSON.stringify({ ...job, retry: { count: 1, on: ['never'] } }), /at retry\.on\.0/],
    [JSON.stringify({ ...job, env: { A: '\ud800' } }), /at env\.A: must be Unicode/],
    [JSON.stringify({ ...job, concurrency: { group: 'g', limit: 0 } }), /at concurrency\.limit/],
    [JSON.stringify({ ...job, runsOn: 'success' }), /at runsOn/],
  ] as const
  for (const [json, message] of wrong) {
    assert.throws(() => jobFromJson(json), { code: 'invalid', message })
  }
})

test('ignores what only newer versions say, and whose commit a runner says that it is', () => {
  const concurrency = { group: 'g', limit: 1, ofStrangers: true as const }
  const newer = JSON.stringify({ ...job, tomorrow: 1, concurrency })
  assert.deepEqual(jobFromJson(newer), { ...job, concurrency: { group: 'g', limit: 1 } })
})
