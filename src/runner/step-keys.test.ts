import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptClient, headOf, orderOf, runnerClient } from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { gitRepository } from '../../test/support/git-repository.ts'
import { HandExecutor, type HandStep } from '../../test/support/hand-executor.ts'
import { jobJson, type SomeStep } from '../../test/support/job-json.ts'
import { startTestRunner } from '../../test/support/test-runner.ts'
import { ProcessExecutor } from './executor/local/process.ts'

/** What an attempt with these steps tells, run by real shells. */
async function run(...steps: readonly SomeStep[]): Promise<string> {
  await using repository = await gitRepository({ files: { 'ui/a.txt': 'a' } })
  await using executor = new ProcessExecutor({ instance: `step-keys-${process.pid}` })
  await using served = await startTestRunner({ executor })
  const order = orderOf(await headOf(repository), [])
  const job = jobJson({ steps })
  const attempt = new AttemptClient(runnerClient(served.transport), { ...order, job })
  await attempt.untilFinished()
  return attempt.words.join('\n')
}

test('tries a step again in the same workspace, and stops at its first success', async () => {
  const words = await run({ command: 'echo x >> tries; test "$(wc -l < tries)" = 3', retries: 5 })
  assert.match(words, /log 0 exit code 1: retrying \(2 of 5\)\nstep 0 ended success/)
})

test('ends a step at its own time-out, and goes on where it may fail', async () => {
  const words = await run(
    { command: 'sleep 60', timeoutMs: 200, allowFailure: true },
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
    { command: 'echo sorry', runsOn: 'failure' },
    { command: 'echo bye', runsOn: 'always' },
  )
  assert.match(words, /step 1 ended skipped/)
  assert.match(words, /log 2 sorry\nstep 2 ended success/)
  assert.match(words, /log 3 bye\nstep 3 ended success/)
  assert.match(words, /failure: step "step 0": exit code 3$/)
  const well = await run({ command: 'true' }, { command: 'echo sorry', runsOn: 'failure' })
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

test('runs a step in the background beside those after it, and ends it with them', async () => {
  const words = await run(
    {
      command: 'trap "echo ended; exit 1" TERM; echo up; touch up; while :; do sleep 0.05; done',
      background: true,
    },
    { command: 'while [ ! -e up ]; do sleep 0.05; done; echo beside' },
    { command: 'echo last' },
  )
  const [begun, ...others] = words.split('\n').filter((line) => !line.includes('Terminated'))
  assert.equal(begun, 'started')
  // Its log stands together, behind those of the others.
  assert.deepEqual(others, [
    'step 0',
    'step 1',
    'log 1 beside',
    'step 1 ended success',
    'step 2',
    'log 2 last',
    'step 2 ended success',
    'step 0 ended success',
    'log 0 up',
    'log 0 ended',
    'finished success',
  ])
})

test('masks what a step has learned from then on, also in the steps after it', async () => {
  const words = await run(
    {
      command: 'until [ -e said ]; do sleep 0.02; done; cat said; echo >heard',
      background: true,
    },
    {
      command: `
        echo abc >>"$NARWHAL_MASK"
        echo s3same >>"$NARWHAL_MASK"; echo then s3same; echo and s3same >&2
        echo s3same >said`,
    },
    // What is in the background ends with the last step: not before it has said its words.
    {
      command: 'until [ -e heard ]; do sleep 0.02; done; echo later s3same; cat said; exit 3',
    },
  )
  assert.match(
    words,
    /log 1 line 1, with fewer than 4 characters, of the file of NARWHAL_MASK is not/,
  )
  for (const line of [
    'log 1 then ***',
    'log 1 and ***',
    'log 2 later ***',
    'log 2 ***',
    'log 0 ***',
  ]) {
    assert.ok(words.split('\n').includes(line), `${line} in ${words}`)
  }
})

/** An attempt whose steps end when the test says so. */
async function byHand(
  steps: readonly SomeStep[],
  play: (hand: Hand) => Promise<void>,
): Promise<string> {
  await using repository = await gitRepository({ files: { a: 'a' } })
  const executor = new HandExecutor()
  await using served = await startTestRunner({ executor })
  const order = orderOf(await headOf(repository), [])
  const job = jobJson({ steps })
  const attempt = new AttemptClient(runnerClient(served.transport), { ...order, job })
  await play({
    step: (index) => eventually(() => executor.steps[index] ?? null),
    until: (words) => eventually(() => attempt.words.includes(words)),
  })
  await attempt.untilFinished()
  return attempt.words.join('\n')
}

interface Hand {
  /** The nth step that began, as soon as it does. */
  readonly step: (index: number) => Promise<HandStep>
  readonly until: (words: string) => Promise<unknown>
}

test('a step in the background that fails fails the job, and nothing begins after it', async () => {
  const play = async ({ step, until }: Hand) => {
    const [beside, other] = [await step(0), await step(1)]
    void beside.write('broken\n')
    beside.exit(4)
    await until('step 0 ended failure: exit code 4')
    other.exit(0)
  }
  const steps: SomeStep[] = [{ command: 'a', background: true }, { command: 'b' }, { command: 'c' }]
  const words = await byHand([...steps, { command: 'd', runsOn: 'always' }], async (hand) => {
    await play(hand)
    ;(await hand.step(2)).exit(0)
  })
  assert.match(words, /step 1 ended success\nstep 2 ended skipped\nstep 3\nstep 3 ended success/)
  assert.match(
    words,
    /log 0 broken\nlog 0 exit code 4\nfinished failure: step "step 0": exit code 4$/,
  )
  const forgiven = await byHand(
    [{ command: 'a', background: true, allowFailure: true }, { command: 'b' }, { command: 'c' }],
    async (hand) => {
      await play(hand)
      ;(await hand.step(2)).exit(0)
    },
  )
  assert.match(forgiven, /step 2 ended success\n/)
  assert.match(forgiven, /finished success$/)
})

test('tries a step in the background again, and ends it at its own time-out', async () => {
  const words = await byHand(
    [
      { command: 'a', background: true, retries: 1, timeoutMs: 50, allowFailure: true },
      { command: 'b' },
    ],
    async ({ step, until }) => {
      const other = await step(1)
      await until('step 0 ended timeout: it took longer than its limit of 50 ms')
      other.exit(0)
    },
  )
  assert.match(words, /log 0 it took longer than its limit of 50 ms: retrying \(1 of 1\)\n/)
  assert.match(words, /finished success$/)
})
