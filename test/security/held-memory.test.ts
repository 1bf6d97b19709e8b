import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createRouterTransport } from '@connectrpc/connect'
import { readGitEnv } from '../../src/config/env.ts'
import { RunnerService } from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import { watchMembers } from '../../src/dispatcher/runners/runner-members.ts'
import { backoff } from '../../src/lib/async/backoff.ts'
import { withSignal } from '../../src/lib/async/with-signal.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Wake } from '../../src/lib/wake.ts'
import { PauseGate } from '../../src/runner/executor/pause-gate.ts'
import { leaseTimes } from '../../src/runner/lease/lease.ts'
import { LeaseKeeper } from '../../src/runner/lease/lease-keeper.ts'
import { JobLog } from '../../src/runner/log/job-log.ts'
import { ObjectReader } from '../../src/runner/mirror/object-reader.ts'
import { PipelineFileParser } from '../../src/runner/plan/pipeline-file-parser.ts'
import { StepLog } from '../../src/runner/steps/step-log.ts'
import { gitRepository } from '../support/git-repository.ts'
import { heldBytes } from '../support/held-memory.ts'
import { FACTS, openSpools } from '../support/spool.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What racing a long-lived promise leaks per round, at least. */
const LEAK_BYTES = 250

/**
 * Memory must not grow with past work. Bytes that each round leaves behind after garbage collection; the
 * least of three series, since other things grow only once.
 */
async function keptOfEach(rounds: number, work: (round: number) => Promise<unknown>) {
  const series = async (): Promise<number> => {
    const before = await settledBytes()
    for (let round = 0; round < rounds; round++) await work(round)
    return ((await settledBytes()) - before) / rounds
  }
  await series()
  return Math.min(await series(), await series(), await series())
}

async function settledBytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    heldBytes()
    // Finalizers run in a turn of their own.
    await nextTurn()
  }
  return heldBytes()
}

function assertKeepsNothing(bytesOfEach: number): void {
  assert.ok(bytesOfEach < LEAK_BYTES / 2, `each leaves ${Math.round(bytesOfEach)} bytes`)
}

test('BND-01: a repository that is polled repeatedly leaks nothing', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  using reader = new ObjectReader(`${repository.path}/.git`, readGitEnv())
  const head = await repository.head()
  const ask = async (): Promise<void> => {
    await Promise.all(Array.from({ length: 100 }, () => reader.info(head)))
  }
  assertKeepsNothing((await keptOfEach(40, ask)) / 100)
})

test('BND-02: a log that repeatedly waits for room leaks nothing', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path, { attemptBytes: 0 })
  const spool = spools.create(FACTS, () => {})
  // Nothing is acknowledged: there is only room when the test makes it.
  const log = new StepLog(new JobLog(spool, { maxBytes: 1024 ** 3, onFlood: () => {} }), 0)
  let room = Promise.withResolvers<void>()
  spool.room = () => room.promise
  const line = Buffer.from('x\n')
  const wait = async (): Promise<void> => {
    const waiting = log.write('stdout', line)
    room.resolve()
    room = Promise.withResolvers()
    await waiting
    spool.acknowledge(spool.lastSeq)
  }
  assertKeepsNothing(await keptOfEach(2_000, wait))
  spool.discard()
})

test('BND-03: a balancer that is repeatedly asked for members leaks nothing', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const QUESTIONS = 3
  let asked = 0
  const stop = new AbortController()
  const transport = createRouterTransport(({ service }) => {
    service(RunnerService, {
      async *watchLoad(_request, { signal }) {
        asked++
        yield { instanceId: 'one' }
        await withSignal(new Promise<never>(() => {}), signal)
      },
    })
  })
  const connection = { transport, [Symbol.asyncDispose]: async () => {} }
  const watching = watchMembers({
    connector: { balanced: true, connect: () => connection },
    signal: stop.signal,
    onSample: () => {},
    onGone: () => {},
  })
  const round = async (): Promise<void> => {
    const before = asked
    while (asked < before + QUESTIONS) {
      t.mock.timers.tick(5_000)
      await nextTurn()
    }
    await nextTurn()
  }
  assertKeepsNothing((await keptOfEach(200, round)) / QUESTIONS)
  stop.abort()
  await watching
})

test('BND-04: reading files one after another leaks neither timers nor waits', async () => {
  await using parser = new PipelineFileParser({ timeoutMs: 600_000 })
  const text = 'steps:\n  - name: one\n    command: "true"\n'
  assertKeepsNothing(await keptOfEach(300, () => parser.parse(text)))
})

test('BND-05: a paused sandbox leaks nothing of callers that stopped waiting for it', async () => {
  const gate = new PauseGate()
  await gate.close()
  const giveUp = async (): Promise<void> => {
    const patience = new AbortController()
    const waiting = gate.whenOpen(patience.signal)
    patience.abort(new Error('enough'))
    await assert.rejects(waiting, { message: 'enough' })
  }
  assertKeepsNothing(await keptOfEach(2_000, giveUp))
})

test('BND-06: an attempt without a lease leaks nothing of callers that stopped waiting for it', async () => {
  using keeper = new LeaseKeeper({
    times: leaseTimes(10_000),
    orphanMs: 600_000,
    onPause: () => {},
    onLost: () => {},
    log: silentLog(),
  })
  const giveUp = async (): Promise<void> => {
    const patience = new AbortController()
    const waiting = keeper.untilConfirmed(patience.signal)
    patience.abort(new Error('enough'))
    await assert.rejects(waiting, { message: 'enough' })
  }
  assertKeepsNothing(await keptOfEach(2_000, giveUp))
})

test('BND-07: waiting with a long-lived signal leaves no listeners on it', async () => {
  const { signal } = new AbortController()
  const wake = new Wake()
  const wait = async (): Promise<void> => {
    await withSignal(Promise.resolve(), signal)
    const either = AbortSignal.any([signal, new AbortController().signal])
    await withSignal(Promise.resolve(), either)
    await backoff(0, { firstMs: 0, maxMs: 0 }, either)
    const woken = wake.wait(60_000, either)
    wake.wake()
    await woken
  }
  assertKeepsNothing(await keptOfEach(300, wait))
})
