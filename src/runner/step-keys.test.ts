import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptClient, headOf, orderOf, runnerClient } from '../../test/support/attempt-client.ts'
import { gitRepository } from '../../test/support/git-repository.ts'
import { startTestRunner } from '../../test/support/test-runner.ts'
import { RunsOn } from '../contract/gen/narwhal/v1/runner_pb.js'
import { ProcessExecutor } from './executor/process.ts'

interface Step {
  readonly command: string
  readonly retries?: number
  readonly timeoutMs?: bigint
  readonly allowFailure?: boolean
  readonly runsOn?: RunsOn
  readonly workingDirectory?: string
  readonly shell?: string
}

/** What an attempt with these steps tells, run by real shells. */
async function run(...steps: readonly Step[]): Promise<string> {
  await using repository = await gitRepository({ files: { 'ui/a.txt': 'a' } })
  await using executor = new ProcessExecutor({ instance: `step-keys-${process.pid}` })
  await using served = await startTestRunner({ executor })
  const order = orderOf(await headOf(repository), [])
  const job = { name: 'job', steps: steps.map((step, i) => ({ name: `step ${i}`, ...step })) }
  const attempt = new AttemptClient(runnerClient(served.transport), { ...order, job })
  await attempt.untilFinished()
  return attempt.words.join('\n')
}

test('tries a step again in the same workspace, and stops at its first success', async () => {
  const words = await run({ command: 'echo x >> tries; test "$(wc -l < tries)" = 3', retries: 5 })
  assert.match(words, /log 0 exit code 1: trying again \(2 of 5\)\nstep 0 ended success/)
})

test('ends a step at its own time-out, and goes on where it may fail', async () => {
  const words = await run(
    { command: 'sleep 60', timeoutMs: 200n, allowFailure: true },
    { command: 'echo next' },
  )
  assert.match(words, /step 0 ended timeout: it took longer than its limit of 200 ms/)
  assert.match(words, /log 1 next\nstep 1 ended success/)
  assert.match(words, /finished success|ended success$/)
})

test('runs the steps that are for a failure after one, and the others not', async () => {
  const words = await run(
    { command: 'exit 3' },
    { command: 'echo no' },
    { command: 'echo sorry', runsOn: RunsOn.FAILURE },
    { command: 'echo bye', runsOn: RunsOn.ALWAYS },
  )
  assert.match(words, /step 1 ended skipped/)
  assert.match(words, /log 2 sorry\nstep 2 ended success/)
  assert.match(words, /log 3 bye\nstep 3 ended success/)
  assert.match(words, /failure: step "step 0": exit code 3$/)
  const well = await run({ command: 'true' }, { command: 'echo sorry', runsOn: RunsOn.FAILURE })
  assert.match(well, /step 1 ended skipped/)
})

test('runs a command in its folder by its shell', async () => {
  const words = await run({
    command: '[[ -f a.txt ]] && echo "${PWD##*/}"',
    workingDirectory: 'ui',
    shell: 'bash',
  })
  assert.match(words, /log 0 ui\nstep 0 ended success/)
})
