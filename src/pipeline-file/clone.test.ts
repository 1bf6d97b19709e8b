import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobFromJson, jobToJson } from '../contract/plan/plan-json.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'
import { showProblems } from './show-problems.ts'

test('reads how the commit comes into the workspace, and takes it over the wire', () => {
  const parsed = parsePipelineFile(`
jobs:
  nothing: { clone: none, steps: [x] }
  short: { clone: { depth: 5 }, steps: [x] }
  whole: { clone: {}, steps: [x] }
  parts: { clone: { submodules: true, lfs: true, depth: 1 }, steps: [x] }
  modules: { clone: { submodules: true, lfs: false }, steps: [x] }
  usual: { steps: [x] }
`)
  assert.ok(parsed.ok)
  assert.deepEqual(
    parsed.plan.jobs.map((job) => job.clone),
    [
      'none',
      { depth: 5 },
      undefined,
      { depth: 1, submodules: true, lfs: true },
      { submodules: true },
      undefined,
    ],
  )
  for (const job of parsed.plan.jobs) assert.deepEqual(jobFromJson(jobToJson(job)), job)
})

test('says what a clone can not be', () => {
  const problems = ['all', '{ depth: 0 }', '{ depht: 1 }', '{ lfs: recursive }'].map((text) =>
    showProblems(`clone: ${text}\nsteps: [x]\n`).replaceAll(/\n {2}\|.*/g, ''),
  )
  assert.deepEqual(problems, [
    '1:8 clone must be none, or a mapping such as { depth: 1, submodules: true }',
    '1:17 clone.depth must be a whole number from 1 to 1000000',
    '1:10 clone.depht is not a key of clone: did you mean depth?',
    '1:15 clone.lfs must be true or false, not a string',
  ])
})
