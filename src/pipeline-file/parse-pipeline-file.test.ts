import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSpec, PipelinePlan } from '../core/plan/plan.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'

function plan(text: string): PipelinePlan {
  const parsed = parsePipelineFile(text)
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.plan
}

function singleJob(text: string): JobSpec {
  const { jobs } = plan(text)
  assert.equal(jobs.length, 1)
  return jobs[0] as JobSpec
}

const commands = (text: string): string[] => singleJob(text).steps.map(({ command }) => command)

test('reads the short form as one job', () => {
  const text = `
name: my project
image: node:24
env: { CI: "true" }
steps:
  - name: install
    dependencies: [make, git]      # packages the step needs
    command: npm ci
  - name: test
    command: npm test
`
  assert.deepEqual(plan(text), {
    name: 'my project',
    jobs: [
      {
        name: 'main',
        image: 'node:24',
        env: { CI: 'true' },
        needs: [],
        labels: [],
        steps: [
          { name: 'install', command: 'npm ci', dependencies: ['make', 'git'], env: {} },
          { name: 'test', command: 'npm test', dependencies: [], env: {} },
        ],
      },
    ],
  })
})

test('reads the full form: jobs in their order, with what they inherit', () => {
  const text = `
image: node:24
env: { CI: "true", LEVEL: 1 }
jobs:
  2: { steps: [b], needs: [lint, lint], env: { LEVEL: 2 } }
  lint: { image: alpine, labels: [gpu, arm64], steps: [a] }
  1: { steps: [c], needs: lint }
`
  const step = (command: string) => ({ name: command, command, dependencies: [], env: {} })
  const env = { CI: 'true', LEVEL: '1' }
  const needs = ['lint']
  assert.deepEqual(plan(text), {
    name: 'pipeline',
    jobs: [
      {
        name: '2',
        image: 'node:24',
        env: { ...env, LEVEL: '2' },
        needs,
        labels: [],
        steps: [step('b')],
      },
      {
        name: 'lint',
        image: 'alpine',
        env,
        needs: [],
        labels: ['gpu', 'arm64'],
        steps: [step('a')],
      },
      { name: '1', image: 'node:24', env, needs, labels: [], steps: [step('c')] },
    ],
  })
})

test('reads commands as text, as a list of lines and as the whole step', () => {
  const text = `
steps:
  - make
  - command: [cd tests, ./all.sh]
  - command: |
      a
      b
  - 'echo "#x: y"'
`
  assert.deepEqual(commands(text), ['make', 'cd tests\n./all.sh', 'a\nb\n', 'echo "#x: y"'])
})

test('names steps by the beginning of their command, each by its own', () => {
  const text = `
steps:
  - npm test
  - npm test
  - { name: npm test (2), command: x }
  - "a\\n\\tb  c"
  - ${'é🐋'.repeat(100)}
  - ${'x'.repeat(60)}
  - "\\e\\u202e"
`
  assert.deepEqual(
    singleJob(text).steps.map(({ name }) => name),
    [
      'npm test',
      'npm test (3)',
      'npm test (2)',
      'a b c',
      `${'é🐋'.repeat(29)}é…`,
      'x'.repeat(60),
      'step',
    ],
  )
})

test('passes values of the environment on as they are written', () => {
  const text = `
env:
  TEXT: a
  VERSION: 1.10
  OCTAL: 0o17
  HEX: 0xFF
  BIG: 12345678901234567890
  EXPONENT: 1e3
  YES: yes
  NO: no
  "ON": on
  TRUE: True
  FALSE: false
  EMPTY: ""
  QUOTED: "1"
  DATE: 2026-11-24
  BLOCK: |
    a
    b
  constructor: c
  toString: d
steps: [env]
`
  assert.deepEqual(singleJob(text).env, {
    TEXT: 'a',
    VERSION: '1.10',
    OCTAL: '0o17',
    HEX: '0xFF',
    BIG: '12345678901234567890',
    EXPONENT: '1e3',
    YES: 'yes',
    NO: 'no',
    ON: 'on',
    TRUE: 'True',
    FALSE: 'false',
    EMPTY: '',
    QUOTED: '1',
    DATE: '2026-11-24',
    BLOCK: 'a\nb\n',
    constructor: 'c',
    toString: 'd',
  })
})

test('follows aliases and merge keys', () => {
  const text = `
jobs:
  a: &a
    image: &image alpine
    env: &env { X: 1.0, Y: 2 }
    steps: &steps [make]
  b:
    <<: *a
    image: debian
    env: { <<: *env, Y: 3 }
  c: { image: *image, env: { <<: [{ Y: 9 }, *env] }, steps: *steps }
`
  const found = plan(text).jobs.map(({ image, env, steps }) => [image, env, steps[0]?.command])
  assert.deepEqual(found, [
    ['alpine', { X: '1.0', Y: '2' }, 'make'],
    ['debian', { X: '1.0', Y: '3' }, 'make'],
    ['alpine', { X: '1.0', Y: '9' }, 'make'],
  ])
})

const SAME: readonly (readonly [string, string])[] = [
  ['a byte order mark', '\ufeffsteps: [make]'],
  ['line ends of Windows', 'steps:\r\n  - make\r\n'],
  ['document marks', '%YAML 1.2\n---\nsteps: [make]\n...\n'],
  ['comments', '# a\nsteps: # b\n  # c\n  - make # d\n'],
  ['JSON', '{"steps": ["make"]}'],
  ["YAML's own tags", '!!map\nsteps: !!seq [!!str make]'],
  ['quoted keys', '"steps": ["make"]'],
  ['explicit keys', '? steps\n: - make'],
  ['tabs between words', 'steps:\t[\tmake\t]'],
]

for (const [name, text] of SAME) {
  test(`reads YAML with ${name}`, () => assert.deepEqual(commands(text), ['make']))
}

test('a job may be called like something of JavaScript', () => {
  const names = ['constructor', 'toString', 'hasOwnProperty', 'prototype']
  const text = `jobs:\n${names.map((name) => `  ${name}: { steps: [x] }\n`).join('')}`
  assert.deepEqual(
    plan(text).jobs.map(({ name }) => name),
    names,
  )
})
