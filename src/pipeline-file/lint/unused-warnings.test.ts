import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintPipelineFile } from './lint-pipeline-file.ts'

function warningsOf(text: string): string[] {
  const { problems, warnings } = lintPipelineFile(text)
  assert.deepEqual(problems, [])
  return warnings.map(({ line, message }) => `${line} ${message}`)
}

test('lint warns of outputs and templates that nothing asks for', () => {
  const file = `
templates:
  used: { job: { steps: [x] } }
  left: { job: { steps: [x] } }
jobs:
  a: { outputs: [v], steps: [x] }
  b: { outputs: [v], steps: [x] }
  c: { outputs: [v], needs: [{ job: b, optional: true }], template: used }
  d: { needs: a, steps: [x] }
`
  assert.deepEqual(warningsOf(file), [
    '4 templates.left is never used',
    '8 jobs.c.outputs are never used: no job needs this one',
  ])
})

test('lint warns of what is not filled in in a command, and says what to use', () => {
  const file = (command: string) => `
inputs: { target: { default: x } }
jobs:
  a: { outputs: [v], steps: [x] }
  b: { needs: a, steps: ['${command}'] }
`
  assert.deepEqual(warningsOf(file('echo ${needs.a.outputs.v}')), [
    '5 jobs.b.steps[0] contains ${needs.a.outputs.v}, which is not expanded here: use a variable whose value it is in env',
  ])
  assert.deepEqual(warningsOf(file('echo ${inputs.target}')), [
    '5 jobs.b.steps[0] contains ${inputs.target}, which is not expanded here: use "$NARWHAL_INPUT_TARGET"',
  ])
  assert.deepEqual(warningsOf(file('echo ${target}')), [])
})
