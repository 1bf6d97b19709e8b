import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'

test('begins with a step in the middle, and leaves out what comes before it', () => {
  const text = `
jobs:
  lint: { steps: [{ name: look, command: x }] }
  test: { needs: lint, steps: [{ name: look, command: a }, { name: unit, command: b }, c] }
  deploy: { needs: [test, lint], steps: [d] }
  other: { steps: [e] }
`
  const from = (step: string) => parsePipelineFile(text, { ...SAMPLE_FACTS, from: step })
  const jobsFrom = (step: string) => {
    const parsed = from(step)
    assert.ok(parsed.ok, JSON.stringify(parsed))
    return parsed.plan.jobs
  }
  const jobs = jobsFrom('unit')
  assert.deepEqual(
    jobs.map(({ name, leftOut, needs }) => [name, leftOut ?? needs]),
    [
      ['lint', 'it comes before the step to begin at'],
      ['test', []],
      ['deploy', ['test']],
      ['other', 'it comes before the step to begin at'],
    ],
  )
  assert.deepEqual(
    jobs[1]?.steps.map(({ command }) => command),
    ['b', 'c'],
  )
  assert.deepEqual(jobsFrom('test/look')[1]?.steps.length, 3)
  const wrong = (step: string): string => {
    const parsed = from(step)
    return parsed.ok ? '' : (parsed.problems[0]?.message ?? '')
  }
  assert.match(wrong('look'), /several jobs with a step "look": use one of lint\/look, test\/look/)
  assert.match(wrong('test/unti'), /has no step "test\/unti": did you mean test\/unit\?/)
})
