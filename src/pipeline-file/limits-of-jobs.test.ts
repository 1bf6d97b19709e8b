import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobFromJson, jobToJson } from '../contract/plan/plan-json.ts'
import { parsePipelineFile } from './parse-pipeline-file.ts'
import { showProblems } from './show-problems.ts'

test('reads what a job and a step may take, and takes it over the wire', () => {
  const parsed = parsePipelineFile(`
jobs:
  a:
    timeout: 1h30m
    retry: { count: 3, on: [error, timeout, error] }
    priority: -5
    allow_failure: true
    resources: { cpu: 0.5, memory: 2Gi }
    steps:
      - name: s
        command: [a, b]
        working_directory: ui/src
        shell: bash
        timeout: 90s
        retry: 2
        allow_failure: true
  b: { retry: 1, steps: [x] }
  c: { retry: 0, allow_failure: false, priority: 0, steps: [{ command: x, shell: sh, retry: 0 }] }
`)
  assert.ok(parsed.ok)
  const [a, b, c] = parsed.plan.jobs
  assert.deepEqual(a, {
    name: 'a',
    env: {},
    needs: [],
    labels: [],
    steps: [
      {
        name: 's',
        command: 'a\nb',
        dependencies: [],
        env: {},
        workingDirectory: 'ui/src',
        shell: 'bash',
        timeoutMs: 90_000,
        retries: 2,
        allowFailure: true,
      },
    ],
    timeoutMs: 5_400_000,
    retry: { count: 3, on: ['error', 'timeout'] },
    priority: -5,
    allowFailure: true,
    resources: { cpus: 0.5, memoryBytes: 2 * 1024 ** 3 },
  })
  assert.deepEqual(b?.retry, { count: 1, on: ['failure', 'timeout'] })
  assert.deepEqual(Object.keys(c ?? {}), ['name', 'env', 'needs', 'labels', 'steps'])
  assert.deepEqual(Object.keys(c?.steps[0] ?? {}), ['name', 'command', 'dependencies', 'env'])
  for (const job of parsed.plan.jobs) assert.deepEqual(jobFromJson(jobToJson(job)), job)
})

test('tells what no job or step can take', () => {
  assert.equal(
    showProblems(`timeout: 10
retry: { on: [] }
priority: 1.5
allow_failure: maybe
resources: { cpu: 0, memory: 3GB }
steps:
  - { command: x, working_directory: ../x, shell: fish, timeout: 0s, retry: 11 }
  - { command: x, working_directory: /x, shell: perl, timeout: 169h }
`).replaceAll(/\n {2}\|.*/g, ''),
    `1:10 timeout must be a duration such as 90s, 10m or 1h30m, not a number
2:1 retry.count is missing: it must be a whole number from 0 to 10
2:14 retry.on must not be an empty list
3:11 priority must be a whole number from -100 to 100
4:16 allow_failure must be true or false, not a string
5:19 resources.cpu must be at least 0.1
5:30 resources.memory must be an amount of memory such as 512Mi or 4Gi
7:38 steps[0].working_directory must be in the workspace: a relative path without '..'
7:51 steps[0].shell must be one of sh, bash, zsh, pwsh, python3, node
7:66 steps[0].timeout must be at least one second
7:77 steps[0].retry must be a whole number from 0 to 10
8:38 steps[1].working_directory must be in the workspace: a relative path without '..'
8:49 steps[1].shell must be one of sh, bash, zsh, pwsh, python3, node
8:64 steps[1].timeout must be at most a week`,
  )
})
