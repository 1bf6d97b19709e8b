import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { showProblems } from '../show-problems.ts'

test('what names an output is kept apart, and everything else is not', () => {
  const parsed = parsePipelineFile(
    `
env: { TOP: '\${needs.a.outputs.v}' }
jobs:
  a: { outputs: [v, v, w], steps: [x] }
  b:
    needs: { job: a, optional: true }
    env: { V: 'v\${needs.a.outputs.v}', W: '\${needs.a.outputs}', X: x }
    steps: [{ command: x, env: { W: '\${needs.a.outputs.w}' } }]
`.replace('needs: { job: a, optional: true }', 'needs: [{ job: a, optional: true }]'),
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  const [a, b] = parsed.plan.jobs
  assert.deepEqual(a?.outputs, ['v', 'w'])
  assert.deepEqual(b?.envOfNeeds, { V: 'v${needs.a.outputs.v}' })
  assert.deepEqual(b?.env, { TOP: '${needs.a.outputs.v}', W: '${needs.a.outputs}', X: 'x' })
  assert.deepEqual(b?.steps[0]?.envOfNeeds, { W: '${needs.a.outputs.w}' })
})

test('outputs must be of a job that is needed, declared, and one', () => {
  const shown = showProblems(`
jobs:
  a: { outputs: [version], steps: [x] }
  b: { matrix: { n: [1, 2] }, outputs: [v], steps: [x] }
  c:
    needs: [a, b]
    env: { A: '\${needs.a.outputs.vesrion}', B: '\${needs.b.outputs.v}' }
    steps: [{ command: x, env: { D: '\${needs.d.outputs.v}', E: '\${needs.a.outputs.version}' } }]
  d: { needs: [c], outputs: ['1'], steps: [x] }
`)
  assert.equal(
    shown.replaceAll(/\n {2}\|.*/g, ''),
    `9:30 jobs.d.outputs[0] can't name an output: use letters, digits and \`_\`, no leading digit`,
  )
  const next = showProblems(`
jobs:
  a: { outputs: [version], steps: [x] }
  b: { matrix: { n: [1, 2] }, outputs: [v], steps: [x] }
  c:
    needs: [a, b]
    env: { A: '\${needs.a.outputs.vesrion}', B: '\${needs.b.outputs.v}' }
    steps: [{ command: x, env: { D: '\${needs.d.outputs.v}', E: '\${needs.a.outputs.version}' } }]
  d: { needs: [c], steps: [x] }
`)
  assert.deepEqual(next.replaceAll(/\n {2}\|.*/g, '').split('\n'), [
    '7:15 jobs.c.env.A refers to "vesrion", which is not an output of job a: did you mean version?',
    '7:48 jobs.c.env.B refers to outputs of "b", of which there are several: one for each combination of its matrix',
    '8:37 jobs.c.steps[0].env.D refers to "needs.d", but this job does not need "d"',
  ])
})

test('outputs may decide whether a job is run, and are left for later where they matter', () => {
  const file = (when: string, more = '') => `
jobs:
  a: { outputs: [x], steps: [y] }
  b: { needs: a, when: ${when}, steps: [y] }
${more}`
  const spec = (when: string) => {
    const parsed = parsePipelineFile(file(when))
    assert.ok(parsed.ok, JSON.stringify(parsed))
    return parsed.plan.jobs[1]
  }
  const asked = spec(`{ expression: 'needs.a.outputs.x == "1"' }`)
  assert.equal(asked?.onlyIf?.text, 'needs.a.outputs.x == "1"')
  assert.equal(asked?.leftOut, undefined)
  const sure = spec(`[{ event: push }, { expression: 'needs.a.outputs.x == "1"' }]`)
  assert.deepEqual([sure?.onlyIf, sure?.leftOut], [undefined, undefined])
  assert.match(
    spec(`{ event: tag, expression: needs.a.outputs.x }`)?.leftOut ?? '',
    /event is push/,
  )

  const problem = (text: string): string => {
    const parsed = parsePipelineFile(text)
    return parsed.ok ? '' : parsed.problems.map(({ message }) => message).join('; ')
  }
  assert.match(
    problem(file('{ expression: needs.a.outputs.y }')),
    /"y", which is not an output of job a/,
  )
  assert.match(problem(file('{ expression: needs.c.outputs.y }')), /does not need "c"/)
  assert.match(problem(file('{ expression: needs.a.x }')), /needs\.a\.x.*is unknown/)
  const mixed = `[{ expression: needs.a.outputs.x }, { status: failure }]`
  assert.match(problem(file(mixed)), /the same `status`/)
  const step = '  c: { needs: a, steps: [{ command: y, when: { expression: needs.a.outputs.x } }] }'
  assert.match(
    problem(file('{ event: push }', step)),
    /only the `when` of a job may refer to outputs/,
  )
  const top = `when: { expression: needs.a.outputs.x }\n${file('{ event: push }').trim()}`
  assert.match(problem(top), /only the `when` of a job/)
})
