import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PlanFacts, SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'

function when(conditions: string, facts: Partial<PlanFacts>): string | undefined {
  const text = `when: ${conditions}\nsteps: [x]`
  const parsed = parsePipelineFile(text, { ...SAMPLE_FACTS, ...facts })
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.problems, null, 1))
  return parsed.plan.jobs[0]?.leftOut
}

test('knows what was reported about a pull request, and treats the rest as unknown', () => {
  const pull = { event: 'pull_request', ref: 'refs/pull/7/head', targetBranch: 'main' } as const
  const known = { labels: ['e2e', 'type/bug'], draft: true, milestone: 'v2.1' }
  const request = (facts: PlanFacts['request']) => ({ ...pull, ...(facts && { request: facts }) })
  for (const conditions of [
    '{ label: e2e }',
    "{ label: [x, 'type/*'], draft: true, milestone: 'v2.*' }",
    "{ label: '!wip' }",
    `{ expression: '"e2e" in labels && draft && milestone == "v2.1" && !("x" in labels)' }`,
  ]) {
    assert.equal(when(conditions, request(known)), undefined, conditions)
  }
  for (const conditions of ["{ label: '!wip' }", '{ draft: false }', "{ expression: '!draft' }"]) {
    assert.equal(when(conditions, {}), undefined, conditions)
    assert.equal(when(conditions, request({ labels: [], draft: false })), undefined, conditions)
  }
  const not: [string, string, PlanFacts['request']][] = [
    ['{ label: [a, b] }', 'no label matches a, b', known],
    ["{ label: ['e2e', '!type/*'] }", 'label "type/bug" is excluded by !type/*', known],
    ['{ draft: false }', 'the pull request is a draft', known],
    ['{ draft: true }', 'there is no draft of a pull request', { draft: false }],
    ['{ milestone: v3 }', 'milestone "v2.1" does not match v3', known],
    ["{ milestone: '!v3' }", 'there is no milestone to match !v3', { milestone: '' }],
  ]
  for (const [conditions, reason, facts] of not) {
    assert.equal(when(conditions, request(facts)), `when: ${reason}`)
  }
  for (const conditions of [
    '{ label: e2e }',
    "{ label: '!wip' }",
    '{ draft: true }',
    '{ draft: false }',
    "{ milestone: '**' }",
    "{ expression: 'draft' }",
    "{ expression: '!draft' }",
    `{ expression: '!contains(labels, "wip")' }`,
    `{ expression: 'milestone != "v3" && draft' }`,
  ]) {
    assert.match(when(conditions, pull) ?? '', /unknown|has not reported/, conditions)
  }
  assert.equal(when(`{ expression: 'draft || branch == "main"' }`, pull), undefined)
})
