import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobFromJson, jobToJson } from '../contract/plan/plan-json.ts'
import { lintPipelineFile } from './lint/lint-pipeline-file.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'
import { showProblems } from './show-problems.ts'

test('a job names its secrets, by their names or by the variables of its steps', () => {
  const parsed = parsePipelineFile(`
jobs:
  list: { secrets: [DEPLOY_KEY, NPM_TOKEN], steps: [x] }
  mapping: { secrets: { npm_token: REGISTRY_TOKEN }, steps: [x] }
  none: { secrets: [], steps: [x] }
`)
  assert.ok(parsed.ok)
  assert.deepEqual(
    parsed.plan.jobs.map((job) => job.secrets),
    [
      { DEPLOY_KEY: 'DEPLOY_KEY', NPM_TOKEN: 'NPM_TOKEN' },
      { npm_token: 'REGISTRY_TOKEN' },
      undefined,
    ],
  )
  for (const job of parsed.plan.jobs) assert.deepEqual(jobFromJson(jobToJson(job)), job)
})

test('a login for registries is a secret that no step has, and images are pulled as the job says', () => {
  const parsed = parsePipelineFile(`
jobs:
  private: { image: x, registry_login: LOGIN, secrets: [KEY], pull: always, steps: [x] }
  usual: { image: x, pull: missing, steps: [x] }
  never: { image: x, pull: never, steps: [x] }
`)
  assert.ok(parsed.ok)
  assert.deepEqual(
    parsed.plan.jobs.map(({ secrets, pull }) => [secrets, pull]),
    [
      [{ KEY: 'KEY', NARWHAL_REGISTRY_LOGIN: 'LOGIN' }, 'always'],
      [undefined, undefined],
      [undefined, 'never'],
    ],
  )
  for (const job of parsed.plan.jobs) assert.deepEqual(jobFromJson(jobToJson(job)), job)
  const told = (text: string) => showProblems(text).replaceAll(/\n {2}\|.*/g, '')
  assert.equal(
    told('pull: newest\nregistry_login: login\nsteps: [x]\n'),
    [
      '1:7 pull must be always, missing or never',
      "2:17 registry_login can't name a secret: did you mean LOGIN?",
    ].join('\n'),
  )
})

test('says what a secret can not be called, and where secrets can not stand', () => {
  const told = (text: string) => showProblems(text).replaceAll(/\n {2}\|.*/g, '')
  const name =
    "can't name a secret: use capital letters, digits and `_`, starting with a letter, and no name reserved by Narwhal"
  for (const wrong of ['../OTHER', 'A/B', '"*"', '"Ａ"', '1A', 'NARWHAL_SHA', 'CI', '""']) {
    assert.equal(told(`secrets: [${wrong}]\nsteps: [x]\n`), `1:11 secrets[0] ${name}`, wrong)
  }
  assert.equal(
    told('secrets: { PATH: A, 1x: B, ok: c }\nsteps: [x]\n'),
    [
      '1:12 secrets.PATH is a variable that Narwhal sets itself',
      '1:21 secrets["1x"] can\'t name an environment variable: use letters, digits and `_`, no leading digit',
      "1:32 secrets.ok can't name a secret: did you mean C?",
    ].join('\n'),
  )
  const meant = "1:11 secrets[0] can't name a secret: did you mean DEPLOY_KEY?"
  for (const near of ['deploy_key', 'Deploy-Key', 'deploy.key']) {
    assert.equal(told(`secrets: [${near}]\nsteps: [x]\n`), meant)
  }
  assert.equal(
    told('secrets: KEY\nsteps: [x]\n'),
    '1:10 secrets must be a list of names, or a mapping of variables to names, not a string',
  )
  assert.equal(
    told('env: { KEY: 1 }\nsecrets: [KEY]\nsteps: [x]\n'),
    '1:8 env.KEY is one of the secrets as well: give one of them another name',
  )
  assert.match(
    told('steps: [{ command: x, secrets: [KEY] }]\n'),
    /^1:23 steps\[0\].secrets is not a key of a step/,
  )
  // A value is put into nothing that Narwhal reads itself.
  assert.match(told('image: "${{ secrets.A }}"\nsteps: [x]\n'), /can't be a container image/)
  assert.match(told('labels: ["${{secrets.A}}"]\nsteps: [x]\n'), /labels\[0\] must have/)
})

test('warns of a secret that can not reach a fork, unless forks are left out', () => {
  const warnings = (when: string, top = '') =>
    lintPipelineFile(
      `${top}jobs:\n  a:\n    secrets: [KEY]\n    when: ${when}\n    steps: [x]\n`,
    ).warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)
  const warned = [
    "3:5 jobs.a.secrets are withheld from strangers' pull requests, for which the job runs as well: exclude those with `expression: '!stranger'`, or approve them one by one",
  ]
  assert.deepEqual(warnings('{ event: pull_request }'), warned)
  assert.deepEqual(warnings('{ event: [push, pull_request] }'), warned)
  assert.deepEqual(warnings('[{ event: push }, { event: pull_request }]'), warned)
  assert.deepEqual(warnings('{ event: push }'), [])
  assert.deepEqual(warnings('{ branch: main }'), [])
  assert.deepEqual(warnings("{ event: pull_request, expression: '!from_fork' }"), [])
  assert.deepEqual(warnings('{ event: push }', 'when: { event: [push, pull_request] }\n'), [])
})

test('warns of a value that is written as other systems have it', () => {
  const { warnings } = lintPipelineFile(
    'env: { A: "${{ secrets.KEY }}", B: plain }\nsteps: [{ command: x, env: { C: "${secrets.KEY}" } }]\n',
  )
  const words = 'is not expanded here: list the secret under secrets of the job'
  assert.deepEqual(
    warnings.map(({ line, column, message }) => `${line}:${column} ${message}`),
    [`1:11 env.A ${words}`, `2:33 steps[0].env.C ${words}`],
  )
})
