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
    '4 templates.left is used by no job',
    '8 jobs.c.outputs is told to nobody: no job needs this one',
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
    '5 jobs.b.steps[0] holds ${needs.a.outputs.v}, which is left as it is: use a variable whose value it is in env',
  ])
  assert.deepEqual(warningsOf(file('echo ${inputs.target}')), [
    '5 jobs.b.steps[0] holds ${inputs.target}, which is left as it is: use "$NARWHAL_INPUT_TARGET"',
  ])
  assert.deepEqual(warningsOf(file('echo ${target}')), [])
})
