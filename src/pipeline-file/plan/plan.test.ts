import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JobSpec } from '../../core/plan/plan.ts'
import { type PlanFacts, SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { showProblems } from '../show-problems.ts'

function plan(text: string, facts: Partial<PlanFacts> = {}): readonly JobSpec[] {
  const parsed = parsePipelineFile(text, { ...SAMPLE_FACTS, ...facts })
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.problems, null, 1))
  return parsed.plan.jobs
}

/** What is run, and why the rest is not. */
const shown = (jobs: readonly JobSpec[]) =>
  jobs.map(({ name, leftOut, needs }) =>
    leftOut ? `${name}: ${leftOut}` : `${name} < ${needs.join(' ')}`.trim(),
  )

const problems = (text: string) => showProblems(text).replaceAll(/\n {2}\|.*/g, '')

test('runs a job when all of its conditions hold, and says which one does not', () => {
  const when = (conditions: string, facts: Partial<PlanFacts> = {}): string | undefined =>
    plan(`when: ${conditions}\nsteps: [x]`, facts)[0]?.leftOut
  const pull = { event: 'pull_request', ref: 'refs/pull/7/head', targetBranch: 'main' } as const
  const tag = { event: 'tag', ref: 'refs/tags/v1.2' } as const
  const held: [string, Partial<PlanFacts>?][] = [
    ['{ event: push, branch: main }'],
    ['{ branch: [rel/*, main] }'],
    ['{ branch: main }', pull],
    ["{ tag: 'v*' }", tag],
    ["{ path: ['src/**', '!**/*.md'] }", { changedPaths: ['src/a.md', 'src/a.ts'] }],
    ["{ path: 'src/**' }"],
    ['{ expression: \'branch == "main" && !from_fork\' }'],
    ['[{ event: tag }, { event: push }]'],
    ['{ status: success }'],
  ]
  for (const [conditions, facts] of held)
    assert.equal(when(conditions, facts), undefined, conditions)
  const not: [string, string, Partial<PlanFacts>?][] = [
    ['{ event: [tag, manual] }', 'when: the event is push, not tag or manual'],
    ["{ branch: 'rel/*' }", 'when: branch "main" does not match rel/*'],
    ['{ branch: "**" }', 'when: there is no branch to match **', tag],
    ['{ tag: "**" }', 'when: there is no tag to match **'],
    ...['main', '!rel/*', '**'].map((branch): [string, string, Partial<PlanFacts>] => [
      `{ event: pull_request, branch: '${branch}' }`,
      `when: the target branch of the pull request is unknown, as no webhook reported it, so it can't match ${branch}`,
      { ...pull, targetBranch: '' },
    ]),
    [
      '{ expression: \'branch != ""\' }',
      'when: branch != "" can\'t be decided: branch of the pull request is unknown, as the forge has not reported it',
      { event: 'pull_request', ref: 'refs/pull/7/head' },
    ],
    [
      "{ path: ['src/**', '!**/*.md'] }",
      'when: nothing changed in src/**, !**/*.md',
      { changedPaths: ['src/a.md', 'b.ts'] },
    ],
    ['{ expression: \'event == "tag"\' }', 'when: event == "tag" is not true'],
    [
      '[{ event: tag }, { branch: x }]',
      'when: the event is push, not tag; or branch "main" does not match x',
    ],
  ]
  for (const [conditions, reason, facts] of not) assert.equal(when(conditions, facts), reason)
})

test('leaves out what needs a job that is left out, unless it needs it optionally', () => {
  const jobs = plan(`
jobs:
  build: { when: { event: tag }, steps: [x] }
  test: { needs: build, steps: [x] }
  report: { needs: [test, { job: other }], steps: [x] }
  other: { needs: { job: build, optional: true }, steps: [x] }
  sorry: { needs: [other], when: { status: failure }, steps: [x] }
  never: { needs: [{ job: build, optional: true }], when: { status: failure }, steps: [x] }
`)
  assert.deepEqual(shown(jobs), [
    'build: when: the event is push, not tag',
    'test: needs "build", which is not run for this commit',
    'report: needs "test", which is not run for this commit',
    'other <',
    'sorry < other',
    'never: none of its needs is run for this commit',
  ])
  assert.equal(jobs[4]?.runsOn, 'failure')
})

test("the file's own condition is every job's", () => {
  const jobs = plan('when: { branch: x }\njobs: { a: { steps: [x] }, b: { needs: a, steps: [x] } }')
  const reason = 'when: branch "main" does not match x'
  assert.deepEqual(shown(jobs), [`a: ${reason}`, `b: ${reason}`])
})

test('goes on without the steps whose condition does not hold', () => {
  const jobs = plan(`
jobs:
  a:
    steps:
      - { command: x, when: { event: tag } }
      - { command: y, when: [{ status: failure }, { status: success }] }
      - { command: z, when: { status: failure } }
  b: { steps: [{ command: x, when: { event: tag } }] }
`)
  const steps = jobs[0]?.steps.map(({ command, runsOn }) => [command, runsOn])
  assert.deepEqual(steps, [
    ['y', 'always'],
    ['z', 'failure'],
  ])
  assert.equal(jobs[1]?.leftOut, 'none of its steps is run for this commit')
})

test('makes a job of each combination, and whoever needs it needs them all', () => {
  const jobs = plan(`
jobs:
  test:
    image: node:\${matrix.node}-\${matrix.os}
    labels: ['os:\${matrix.os}']
    env: { BOTH: '\${matrix.node}/\${matrix.os}', PLAIN: '\${other}' }
    when: { expression: '!(matrix.node == 1.10 && matrix.os == "b")' }
    matrix:
      node: [1.10, 22]
      os: [a, b]
      exclude: [{ node: 22, os: b }]
      include: [{ node: 23, os: c }]
    steps: [{ command: x, env: { NODE: 'n\${matrix.node}' } }]
  after: { needs: test, steps: [x] }
`)
  assert.deepEqual(shown(jobs), [
    'test (1.10, a) <',
    'test (1.10, b): when: !(matrix.node == 1.10 && matrix.os == "b") is not true',
    'test (22, a) <',
    'test (23, c) <',
    'after < test (1.10, a) test (22, a) test (23, c)',
  ])
  const [first] = jobs
  assert.equal(first?.image, 'node:1.10-a')
  assert.deepEqual(first?.labels, ['os:a'])
  assert.deepEqual(first?.env, {
    NARWHAL_MATRIX_NODE: '1.10',
    NARWHAL_MATRIX_OS: 'a',
    BOTH: '1.10/a',
    PLAIN: '${other}',
  })
  assert.deepEqual(first?.steps[0]?.env, { NODE: 'n1.10' })
})

test('tells of a matrix that is too large, also together with others, and never cuts it', () => {
  const axis = `[${Array.from({ length: 100 }, (_, i) => i).join(', ')}]`
  assert.equal(
    problems(`jobs: { a: { matrix: { x: ${axis}, y: ${axis}, z: ${axis} }, steps: [x] } }`),
    '1:1 jobs with their matrices there are 1000000 jobs: at most 500 are allowed',
  )
  assert.match(
    problems(`matrix: { x: ${axis}, y: [1, 2, 3] }\nsteps: [x]`),
    /1:1 matrix makes 300 combinations: at most 256 are allowed/,
  )
})

test('tells what a matrix and a condition can not have', () => {
  assert.deepEqual(
    problems(`
jobs:
  a: { matrix: { 1x: [a], os: [], exclude: [{ os: [a] }] }, steps: [x] }
  b: { when: { expression: 'brunch == 1', path: [], event: cron, status: maybe }, steps: [x] }
  c: { when: [], needs: [{ job: d }, { jbo: a }], steps: [x] }
`).split('\n'),
    [
      `3:18 jobs.a.matrix["1x"] can't name an axis: use a letter, then letters, digits and \`_\`, 50 at most`,
      '3:31 jobs.a.matrix.os must not be an empty list',
      '3:51 jobs.a.matrix.exclude[0].os must be a string, a number, true or false, not a list',
      '4:28 jobs.b.when.expression refers to "brunch", which is unknown: did you mean branch? (at character 1)',
      '4:49 jobs.b.when.path must not be an empty list',
      '4:60 jobs.b.when.event must be one of push, pull_request, tag, merge_group, release, manual',
      '4:74 jobs.b.when.status must be one of success, failure, always',
      '5:14 jobs.c.when must not be an empty list',
      '5:33 jobs.c.needs[0].job needs "d", but there is no such job',
      '5:38 jobs.c.needs[1].job is missing: it must be a string',
      '5:40 jobs.c.needs[1].jbo is not a key of a need: did you mean job?',
    ],
  )
})

test('tells what nothing declares', () => {
  assert.deepEqual(
    problems(`
jobs:
  b:
    image: node:\${matrix.node}
    when: { expression: 'inputs.x == matrix.y' }
    steps: [x]
  c: { matrix: { v: ['a b'] }, image: 'node:\${matrix.v}', steps: [x] }
  d: { matrix: { v: [a], exclude: [{ w: a }] }, steps: [x] }
  e: { matrix: { v: [a], exclude: [{ v: a }] }, steps: [x] }
  f: { when: { status: always }, steps: [x] }
`).split('\n'),
    [
      '4:12 jobs.b.image refers to matrix.node, but this job has no matrix with it',
      '5:25 jobs.b.when.expression refers to "inputs.x", but there is no such input',
      '5:25 jobs.b.when.expression refers to "matrix.y", but this job has no such axis',
      `7:39 jobs.c.image can't be a container image: "node:a b"`,
      '8:38 jobs.d.matrix.exclude[0].w is not an axis of this matrix: "w"',
      '9:8 jobs.e.matrix has no combination left',
      '10:8 jobs.f.when status depends on other jobs, but this job needs none',
    ],
  )
})

test('takes what a person gave for inputs that are declared, and nothing else', () => {
  const file = `
inputs:
  target: { type: choice, options: [staging, production], default: staging }
  count: { type: number }
  dry: { type: boolean, default: true }
  note: {}
when: { expression: 'inputs.count == null || inputs.count > 1' }
steps: [x]
`
  assert.deepEqual(plan(file)[0]?.env, {
    NARWHAL_INPUT_TARGET: 'staging',
    NARWHAL_INPUT_DRY: 'true',
  })
  const by = (inputs: Record<string, string>) =>
    parsePipelineFile(file, { ...SAMPLE_FACTS, event: 'manual', inputs })
  const hostile = '$(rm -rf /) `x` "; ${{ }}'
  const good = by({ count: '2', note: hostile, target: 'production', dry: 'false' })
  assert.ok(good.ok)
  assert.equal(good.plan.jobs[0]?.env['NARWHAL_INPUT_NOTE'], hostile)
  assert.equal(good.plan.jobs[0]?.steps[0]?.command, 'x')
  const bad = by({ count: 'many', target: 'moon', tarnet: 'x' })
  assert.ok(!bad.ok)
  assert.deepEqual(
    bad.problems.map(({ message }) => message),
    [
      'inputs has no "tarnet": did you mean target?',
      'inputs.target can\'t be "moon": it must be one of staging, production',
      'inputs.count can\'t be "many": it must be a number',
      'inputs.note must be given: a string',
    ],
  )
})

test('defaults hold for jobs and steps that do not say otherwise', () => {
  const [a, b] = plan(`
defaults: { labels: [x], timeout: 5m, retry: 1, shell: bash, working_directory: ui }
jobs:
  a: { steps: [x] }
  b: { labels: [y], timeout: 1m, retry: 0, steps: [{ command: x, shell: sh, working_directory: . }] }
`)
  assert.deepEqual([a?.labels, a?.timeoutMs, a?.retry?.count], [['x'], 300_000, 1])
  assert.deepEqual([a?.steps[0]?.shell, a?.steps[0]?.workingDirectory], ['bash', 'ui'])
  assert.deepEqual([b?.labels, b?.timeoutMs, b?.retry], [['y'], 60_000, undefined])
  assert.deepEqual([b?.steps[0]?.shell, b?.steps[0]?.workingDirectory], [undefined, '.'])
})

test('any facts and any conditions give a plan in which every need is met, twice the same', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const condition = fc.constantFrom(
    '{ event: tag }',
    '{ branch: main }',
    '{ path: "src/**" }',
    '{ expression: "contains(title, author)" }',
    '[{ event: push }, { event: manual }]',
  )
  const job = fc.record({
    when: fc.option(condition),
    needs: fc.array(name),
    optional: fc.boolean(),
    axis: fc.nat(3),
  })
  const facts = fc.record({
    event: fc.constantFrom('push', 'tag', 'manual', 'pull_request'),
    ref: fc.constantFrom('refs/heads/main', 'refs/tags/v1', 'refs/pull/1/head'),
    title: fc.string(),
    author: fc.string(),
    changedPaths: fc.option(fc.array(fc.string()), { nil: [] }),
  })
  fc.assert(
    fc.property(fc.tuple(job, job, job, job), facts, (jobs, known) => {
      const names = ['a', 'b', 'c', 'd']
      const text = jobs.map(({ when, needs, optional, axis }, i) => {
        const before = [...new Set(needs)].filter((need) => names.indexOf(need) < i)
        const list = before.map((need) => `{ job: ${need}, optional: ${optional} }`).join(', ')
        const matrix = axis > 0 ? `matrix: { n: [${[1, 2, 3].slice(0, axis).join(', ')}] },` : ''
        return `  ${names[i]}: { ${when ? `when: ${when},` : ''} ${matrix} needs: [${list}], steps: [x] }`
      })
      const file = `jobs:\n${text.join('\n')}\n`
      const planned = plan(file, known as Partial<PlanFacts>)
      const run = new Set(planned.filter((one) => one.leftOut === undefined).map((one) => one.name))
      assert.equal(new Set(planned.map((one) => one.name)).size, planned.length)
      for (const one of planned)
        assert.ok(
          one.needs.every((need) => run.has(need)),
          file,
        )
      assert.deepEqual(plan(file, known as Partial<PlanFacts>), planned)
    }),
    { numRuns: 400 },
  )
})
