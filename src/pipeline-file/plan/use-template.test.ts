import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSpec } from '../../core/plan/plan.ts'
import { lintPipelineFile } from '../lint/lint-pipeline-file.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { showProblems } from '../show-problems.ts'

function plan(text: string): readonly JobSpec[] {
  const parsed = parsePipelineFile(text)
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.problems, null, 1))
  return parsed.plan.jobs
}

const problems = (text: string): string[] =>
  showProblems(text)
    .replaceAll(/\n {2}\|.*/g, '')
    .split('\n')

test('a job has what its template has, with its parameters, and its own before that', () => {
  const [test, other] = plan(`
image: alpine:3
templates:
  node:
    params:
      version: { type: number }
      system: { default: 3.20 }
      deploy: { type: boolean, default: false }
      kind: { type: choice, options: [a, b], default: b }
    job:
      image: node:\${params.version}-\${params.system}
      labels: ['\${params.kind}']
      timeout: 10m
      env: { A: 'v\${params.version}', B: below, C: 1.10 }
      steps:
        - npm test
        - { command: deploy, when: { expression: 'params.deploy && params.version > 20' } }
jobs:
  test:
    template: node
    with: { version: 22.10, deploy: true }
    timeout: 5m
    env: { B: above }
  other: { template: node, with: { version: 18, kind: a }, needs: test }
`)
  assert.equal(test?.image, 'node:22.10-3.20')
  assert.deepEqual(test.labels, ['b'])
  assert.equal(test.timeoutMs, 300_000)
  assert.deepEqual(test.env, {
    NARWHAL_PARAM_VERSION: '22.10',
    NARWHAL_PARAM_SYSTEM: '3.20',
    NARWHAL_PARAM_DEPLOY: 'true',
    NARWHAL_PARAM_KIND: 'b',
    A: 'v22.10',
    B: 'above',
    C: '1.10',
  })
  assert.deepEqual(
    [test, other].map((job) => job?.steps.map(({ command }) => command)),
    [['npm test', 'deploy'], ['npm test']],
  )
  assert.deepEqual([other?.needs, other?.timeoutMs, other?.labels], [['test'], 600_000, ['a']])
})

test('a matrix gives parameters, of the job that uses the template or of the template', () => {
  const text = (matrix: string, own = '') => `
templates:
  node: { params: { v: { type: number } }, job: { ${matrix} image: 'node:\${params.v}', steps: [x] } }
jobs:
  a: { ${own} template: node, with: { v: '\${matrix.n}' } }
`
  const images = (jobs: readonly JobSpec[]) => jobs.map(({ name, image }) => `${name} ${image}`)
  const both = ['a (20) node:20', 'a (22) node:22']
  assert.deepEqual(images(plan(text('', 'matrix: { n: [20, 22] },'))), both)
  assert.deepEqual(images(plan(text('matrix: { n: [20, 22] },'))), both)
})

test('what is wrong is told where it stands: at the use, or in the template', () => {
  assert.deepEqual(
    problems(`
templates:
  node: { params: { version: { type: number } }, job: { needs: x, image: 'a b', step: [] } }
jobs:
  a: { template: nod, with: { version: 1 } }
  b: { template: node, steps: [x] }
  c: { with: {}, steps: [x] }
  d: {}
`),
    [
      '3:50 templates.node.job.steps is missing: it must be a list of steps',
      '3:57 templates.node.job.needs is not a key of a template: it belongs in the jobs that use the template',
      `3:74 templates.node.job.image can't be a container image: "a b"; write it like node:24, or registry.example/team/image:tag`,
      '3:81 templates.node.job.step is not a key of a template: did you mean steps?',
      '5:18 jobs.a.template is "nod", but there is no such template: did you mean node?',
      '6:24 jobs.b.steps come from the template "node"',
      '7:8 jobs.c.with needs a template: name one',
      '8:3 jobs.d.steps is missing: it must be a list of steps',
    ],
  )
  assert.deepEqual(
    problems(`
templates:
  node:
    params: { version: { type: number }, on: { type: boolean, default: maybe } }
    job: { image: 'node:\${params.version}', env: { A: '\${params.nope}' }, steps: [x] }
jobs:
  a: { template: node }
  b: { template: node, with: { version: x y, verison: 1 } }
  c: { when: { expression: 'params.version' }, image: 'a:\${params.version}', steps: [x] }
`),
    [
      '4:63 templates.node.params.on.default must be true or false',
      '5:55 templates.node.job.env.A refers to params.nope, but there is no template here with such a parameter',
      '7:8 jobs.a.template must give "version" to "node": a number',
      '8:41 jobs.b.with.version can\'t be "x y": it must be a number',
      '8:46 jobs.b.with.verison is not a parameter of "node": did you mean version?',
      '9:28 jobs.c.when.expression refers to "params.version", but there is no template here with such a parameter',
      '9:55 jobs.c.image refers to params.version, but there is no template here with such a parameter',
    ],
  )
})

test('many jobs of a large template are too much text, and warnings are told once', () => {
  const jobs = Array.from({ length: 400 }, (_, i) => `  j${i}: { template: t }\n`).join('')
  const text = `templates:\n  t: { job: { env: { A: ${'x'.repeat(20_000)} }, steps: [x] } }\njobs:\n${jobs}`
  assert.match(problems(text)[0] ?? '', /too much text for 400 jobs/)
  const small = text
    .replace(/x{20000}/, 'x')
    .replace('steps: [x]', "image: node, steps: ['${params.a}']")
  const { warnings } = lintPipelineFile(small)
  assert.deepEqual(
    warnings.map(({ message }) => message),
    [
      'templates.t.job.image changes whenever its maintainers push: pin a tag such as :1.2',
      'templates.t.job.steps[0] contains ${params.a}, which is not expanded here: use "$NARWHAL_PARAM_A"',
    ],
  )
})
