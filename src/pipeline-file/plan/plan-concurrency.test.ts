import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { showProblems } from '../show-problems.ts'

const problems = (text: string) => showProblems(text).replaceAll(/\n {2}\|.*/g, '')

test('a group is named by what is known of the commit', () => {
  const text = `
concurrency: { group: 'all-\${ref}', policy: cancel-superseded }
inputs: { target: { default: staging } }
jobs:
  a:
    matrix: { node: [22] }
    concurrency: { group: '\${inputs.target} \${matrix.node} \${branch}\${tag}', limit: 2 }
    steps: [x]
  b: { concurrency: b, steps: [x] }
`
  const parsed = parsePipelineFile(text, SAMPLE_FACTS)
  assert.ok(parsed.ok)
  const { concurrency, jobs } = parsed.plan
  assert.deepEqual(concurrency, { group: 'all-refs/heads/main', limit: 1, cancelsSuperseded: true })
  assert.deepEqual(
    jobs.map((job) => job.concurrency),
    [
      { group: 'staging 22 main', limit: 2 },
      { group: 'b', limit: 1 },
    ],
  )
  const longest = (length: number): string => {
    const planned = parsePipelineFile(text, {
      ...SAMPLE_FACTS,
      ref: `refs/heads/${'x'.repeat(length)}`,
    })
    return (planned.ok && planned.plan.jobs[0]?.concurrency?.group) || ''
  }
  assert.ok(longest(300).length <= 200, longest(300))
  assert.notEqual(longest(300), longest(301))
})

test('a group has a name of its own, made of what is known', () => {
  const asked = problems(`
concurrency: { group: 'x\${matrix.a}', limit: 0, policy: never }
jobs:
  a: { concurrency: 'x', steps: [x] }
`)
  assert.equal(
    asked,
    [
      '2:46 concurrency.limit must be a whole number from 1 to 100',
      '2:57 concurrency.policy must be one of queue, cancel-superseded',
    ].join('\n'),
  )
  const unknown = problems(`
concurrency: 'x\${nope}'
jobs:
  a: { concurrency: x, steps: [x] }
  b: { concurrency: { group: '\${tag}' }, steps: [x] }
`)
  assert.match(unknown, /^2:14 concurrency contains \$\{nope\}, which is not available here: /)
  assert.match(unknown, /\n4:21 jobs\.a\.concurrency is "x", the group of the whole pipeline/)
  assert.match(unknown, /\n5:30 jobs\.b\.concurrency\.group is empty for this commit/)
})
