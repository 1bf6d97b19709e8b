import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { type Box, type ContractFixture, isCancelled, NOTHING, run } from './contract-fixture.ts'

const BEAT = 'while :; do echo beat >>"$0"; sleep 0.01; done'

/** Writes to two files all the time: from the step, and from a process that left its group and its parent. */
const BEATS = `
for file in beats-1 beats-2; do : >$file; done
(setsid sh -c '${BEAT}' beats-2 &)
sh -c '${BEAT}' beats-1
`

async function beatsOf({ dir }: Box): Promise<readonly number[]> {
  const files = ['beats-1', 'beats-2'].map((name) => stat(dir.join('workspace', name)))
  return (await Promise.all(files)).map(({ size }) => size)
}

/** Resolves once both have written again. */
async function untilBeating(box: Box): Promise<void> {
  const before = await beatsOf(box).catch(() => [0, 0])
  await eventually(async () => {
    const now = await beatsOf(box)
    return now.every((size, index) => size > (before[index] ?? 0))
  })
}

/** Fails if anything is written in a time in which that would happen often. */
async function expectStill(box: Box): Promise<void> {
  const before = await beatsOf(box)
  const until = performance.now() + 300
  await eventually(() => performance.now() > until)
  assert.deepEqual(await beatsOf(box), before)
}

export function pauseContract(contract: ContractFixture): void {
  contract.check('freezes while it is paused, and continues afterwards', async () => {
    await using box = await contract.box()
    const stop = new AbortController()
    const running = run(box.sandbox, BEATS, {}, stop.signal)
    // A failure below must be reported, not that this was ended with the sandbox.
    running.catch(() => {})
    await untilBeating(box)
    for (let round = 0; round < 3; round++) {
      await box.sandbox.pause()
      await expectStill(box)
      await box.sandbox.resume()
      await untilBeating(box)
    }
    await Promise.all([box.sandbox.pause(), box.sandbox.pause()])
    await expectStill(box)
    await Promise.all([box.sandbox.resume(), box.sandbox.resume()])
    await untilBeating(box)
    await Promise.all([box.sandbox.pause(), box.sandbox.resume(), box.sandbox.pause()])
    await expectStill(box)
    stop.abort(new Error('enough'))
    await assert.rejects(running, /enough/)
  })

  contract.check('gives the whole output and the exit code of a step that was paused', async () => {
    await using box = await contract.box()
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo e$i >&2; sleep 0.02; done; exit 7'
    const first = Promise.withResolvers<void>()
    const running = run(box.sandbox, script, {}, NOTHING, () => first.resolve())
    await first.promise
    await box.sandbox.pause()
    await box.sandbox.resume()
    const { exitCode, stdout, stderr } = await running
    assert.equal(exitCode, 7)
    assert.equal(stdout, '1\n2\n3\n4\n5\n6\n7\n8\n9\n')
    assert.equal(stderr, 'e1\ne2\ne3\ne4\ne5\ne6\ne7\ne8\ne9\n')
  })

  contract.check('begins a step that is run in a paused sandbox when it is resumed', async () => {
    await using box = await contract.box()
    await box.sandbox.pause()
    const started = Promise.withResolvers<void>()
    const running = run(box.sandbox, 'echo hello; : >here', {}, NOTHING, () => started.resolve())
    const until = performance.now() + 200
    await eventually(() => performance.now() > until)
    await assert.rejects(stat(box.dir.join('workspace', 'here')), { code: 'ENOENT' })
    await box.sandbox.resume()
    await started.promise
    assert.equal((await running).stdout, 'hello\n')
    // Resumed although it is not paused.
    await box.sandbox.resume()
    assert.equal((await run(box.sandbox, 'echo again')).stdout, 'again\n')
  })

  contract.check('pauses a step that is just being started', async () => {
    await using box = await contract.box()
    for (let round = 0; round < 5; round++) {
      const running = run(box.sandbox, `echo ${round}`)
      await box.sandbox.pause()
      await box.sandbox.resume()
      assert.equal((await running).stdout, `${round}\n`)
    }
  })

  contract.check('kills a step that is aborted while it is paused, and can go on', async () => {
    const seconds = String(300_000 + (process.pid % 100_000))
    await using box = await contract.box()
    const ready = Promise.withResolvers<void>()
    const stop = new AbortController()
    const script = `(setsid sleep ${seconds} &)\nsleep ${seconds} &\necho ready\nsleep ${seconds}`
    const running = run(box.sandbox, script, {}, stop.signal, () => ready.resolve())
    await ready.promise
    await box.sandbox.pause()
    stop.abort(new Error('enough'))
    await assert.rejects(running, /enough/)
    const leftovers = () => contract.options.leftovers(seconds)
    await eventually(async () => assert.deepEqual(await leftovers(), []))
    const waiting = new AbortController()
    const late = run(box.sandbox, 'echo never', {}, waiting.signal)
    waiting.abort(new Error('too long'))
    await assert.rejects(late, /too long/)
    await box.sandbox.resume()
    assert.equal((await run(box.sandbox, 'echo again')).stdout, 'again\n')
  })

  contract.check('can be disposed of while it is paused, with a step or without', async () => {
    const seconds = String(400_000 + (process.pid % 100_000))
    for (const part of ['sandbox', 'executor'] as const) {
      await using box = await contract.alone()
      const ready = Promise.withResolvers<void>()
      const script = `echo ready; sleep ${seconds} & sleep ${seconds}`
      const running = run(box.sandbox, script, {}, NOTHING, () => ready.resolve())
      const stopped = assert.rejects(running, isCancelled)
      await ready.promise
      await box.sandbox.pause()
      await box[part][Symbol.asyncDispose]()
      await stopped
      const leftovers = () => contract.options.leftovers(seconds)
      await eventually(async () => assert.deepEqual(await leftovers(), []))
      await using idle = await contract.alone()
      await idle.sandbox.pause()
      await idle[part][Symbol.asyncDispose]()
    }
  })
}
