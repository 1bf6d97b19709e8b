import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import type { ApiClient } from '../../src/client/client.ts'
import {
  Outcome,
  Packing,
  Phase,
  PlanCommitResponseSchema,
  type RunAttemptResponseSchema,
  type RunnerService,
} from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import { plannedFromProto } from '../../src/contract/rpc/planned-commit.ts'
import { attachRawRunner } from '../support/attached.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, startUp } from '../support/installation.ts'
import { planJson, type SomeJob } from '../support/job-json.ts'

const SLOW = { timeoutMs: 30_000 }

type Told = MessageInitShape<typeof RunAttemptResponseSchema>
type Requests = Parameters<ServiceImpl<typeof RunnerService>['runAttempt']>[0]

/** The file has one job for the hostile runner, and one for Narwhal's own. */
const FILE = JSON.stringify({
  jobs: {
    far: { labels: ['far'], steps: [{ name: 'one', command: 'print far' }] },
    near: { labels: ['own'], steps: [{ name: 'one', command: 'print near' }] },
  },
})

/**
 * A Narwhal with a runner that has joined with its token like any other, and then answers what it likes. Each
 * attempt that it gets starts properly: `tell` returns what follows.
 */
async function openHostile(
  options: {
    readonly describe?: object
    readonly load?: () => AsyncIterable<object>
    readonly tell?: (requests: Requests) => AsyncIterable<Told>
  } = {},
) {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp({ maxAttempts: '1', executor: 'fake:', labels: 'own' }))
  const { client, url } = narwhal
  const { token } = await client.createJoinToken({ labels: ['far'] })
  const { identity } = await client.joinRunner({ name: 'hostile', labels: ['far'], token })
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  stack.defer(() => end())
  let yielded = 0
  const socket = await attachRawRunner(url, identity, {
    describe: () => ({
      instanceId: 'x',
      name: 'hostile',
      labels: ['far'],
      slots: 1,
      ...options.describe,
    }),
    watchLoad: async function* () {
      yield { instanceId: 'x', slots: 1 }
      for await (const sample of options.load?.() ?? []) {
        yielded++
        yield sample
      }
      await ended
    },
    runAttempt: async function* (requests) {
      yield { seq: 1n, event: { case: 'started', value: { instanceId: 'x' } } }
      yield* options.tell?.(requests) ?? []
    },
    drain: () => ({}),
    discard: () => ({}),
    probe: () => ({}),
  })
  stack.defer(() => socket[Symbol.dispose]())
  const repository = stack.use(await gitRepository({ files: { 'narwhal.yml': FILE } }))
  await client.addRepository({ name: 'ada/app', cloneUrl: repository.path, pollIntervalMs: 0 })
  await untilOnline(client, 'hostile')
  const owned = stack.move()
  return {
    ...narwhal,
    token,
    identity,
    samples: () => yielded,
    /** Runs the file, to its end. */
    run: async (): Promise<PipelineWithJobs> => {
      const { id } = await client.startPipeline({ repository: 'ada/app' })
      return await finished(narwhal, id)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function untilOnline(client: ApiClient, name: string): Promise<void> {
  await eventually(async () => {
    const runner = (await client.listRunners()).find((one) => one.name === name)
    return runner?.state === 'online'
  }, SLOW)
}

/** The hostile runner's job ended with this message; the other one normally. */
function assertRefused({ jobs }: PipelineWithJobs, words: RegExp): void {
  const [far, near] = jobs
  assert.equal(far?.outcome, 'error')
  assert.match(far.reason ?? '', words)
  assert.equal(near?.outcome, 'success', near?.reason)
}

const LINE = Buffer.from('hello\n')

function aChunk(more: object): Told {
  const value = {
    step: 0,
    lineCount: 1,
    size: LINE.length,
    packing: Packing.PLAIN,
    content: LINE,
  }
  return { seq: 2n, event: { case: 'log', value: { ...value, ...more } } }
}

const FINISHED: Told['event'] = { case: 'finished', value: { outcome: Outcome.SUCCESS } }

test('HST-01: a used join token is rejected, and counted', async () => {
  await using narwhal = await openHostile()
  const { client, token } = narwhal
  for (const name of ['second', 'third', 'hostile']) {
    await assert.rejects(client.joinRunner({ name, labels: ['far'], token }), {
      code: 'unauthenticated',
      message: /this token has been used by 1 of 1 runners/,
    })
  }
  const names = (await client.listRunners()).map((runner) => runner.name)
  assert.equal(names.filter((name) => name === 'second' || name === 'third').length, 0)
})

test('HST-02: labels that were not granted, a million slots and overlong descriptions are ignored', async () => {
  const book = 'x'.repeat(100_000)
  const hardware = { cpus: 4, memoryBytes: 1n, architecture: book, operatingSystem: book }
  const flawedTools = Array(20).fill({ name: 'git', version: '1', holes: [book.slice(0, 9_000)] })
  await using narwhal = await openHostile({
    describe: { labels: ['far', 'prod', 'own', book], version: book, hardware, flawedTools },
    load: async function* () {
      yield { instanceId: 'x', slots: 4_000_000_000, trouble: book }
    },
  })
  const runner = await eventually(async () => {
    const found = (await narwhal.client.listRunners()).find(({ name }) => name === 'hostile')
    return found && found.slots > 1 ? found : null
  }, SLOW)
  assert.deepEqual(runner.labels, ['far'])
  assert.equal(runner.slots, 1000)
  assert.equal(runner.flawedTools?.length, 16)
  assert.ok(JSON.stringify(runner).length < 12_000)
})

test('HST-03: an attempt with endless phases is ended, and others continue', async () => {
  await using narwhal = await openHostile({
    tell: async function* () {
      for (let seq = 2n; seq < 2_000n; seq++) {
        yield { seq, event: { case: 'phase', value: { phase: Phase.CHECKOUT, durationMs: 1 } } }
      }
    },
  })
  const found = await narwhal.run()
  assertRefused(found, /more phases for one attempt than allowed/)
  assert.ok(JSON.stringify(found).length < 50_000)
})

test('HST-04: impossible log chunks are rejected', async () => {
  const wrong = [{ lineCount: 10_001 }, { size: 2 * 1024 * 1024 + 1 }, { size: 1 }, { packing: 99 }]
  for (const more of wrong) {
    await using narwhal = await openHostile({
      tell: async function* () {
        yield aChunk(more)
        yield { seq: 3n, event: FINISHED }
      },
    })
    assertRefused(await narwhal.run(), /invalid log chunk|packing 99/)
  }
})

test('HST-05: a corrupt log chunk affects only itself', async () => {
  await using narwhal = await openHostile({
    tell: async function* () {
      yield aChunk({ packing: Packing.ZSTD, content: Buffer.from('no zstd'), size: 1000 })
      yield aChunk({ lineCount: 5 })
      yield { seq: 4n, event: FINISHED }
    },
  })
  const { jobs } = await narwhal.run()
  const [far, near] = jobs
  assert.ok(far && near)
  const log = { jobId: far.id, attempt: 1 }
  await narwhal.client.readLog(log, { from: 0, limit: 10 }).catch((error: unknown) => {
    assert.match(String(error), /log|damaged/)
  })
  const whole = await narwhal.client.readLog({ jobId: near.id, attempt: 1 }, { from: 0, limit: 10 })
  assert.ok(whole.lines.some(({ text }) => text.includes('near')))
})

test('HST-06: events with a gap, and of steps that do not exist, are rejected', async () => {
  const wrong: [Told, RegExp][] = [
    [{ seq: 9n, event: FINISHED }, /event 9 after 1/],
    [
      { seq: 2n, event: { case: 'stepStarted', value: { step: 7 } } },
      /step 7, which does not exist/,
    ],
    [
      {
        seq: 2n,
        event: { case: 'finished', value: { outcome: Outcome.SUCCESS, outputs: { 'a b': 'x' } } },
      },
      /invalid outputs of a job/,
    ],
    [{ seq: 2n, event: { case: 'finished', value: { outcome: 77 as Outcome } } }, /outcome 77/],
  ]
  for (const [message, words] of wrong) {
    await using narwhal = await openHostile({
      tell: async function* () {
        yield message
      },
    })
    assertRefused(await narwhal.run(), words)
  }
})

/** Resolves when the dispatcher has stored the start of the attempt; leaves the stream open. */
async function acknowledged(requests: Requests): Promise<void> {
  const iterator = requests[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await iterator.next()
    assert.ok(!done, 'the dispatcher closed the stream first')
    const { case: kind, value: request } = value.request
    if (kind === 'acknowledge' && request.throughSeq > 0n) return
  }
}

test('HST-07: a message of more than 16 MiB is rejected', async () => {
  await using narwhal = await openHostile({
    // In one chunk with the large message the attempt's start would be lost with it, and the job requeued.
    tell: async function* (requests) {
      await acknowledged(requests)
      yield aChunk({ content: Buffer.alloc(17 * 1024 * 1024) })
    },
  })
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/app' })
  // It may break the runner's connection as well: then there is no runner for another attempt.
  const [far, near] = await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs[0]?.attempts[0]?.outcome && jobs[1]?.outcome ? jobs : null
  }, SLOW)
  const [attempt] = far?.attempts ?? []
  assert.equal(attempt?.outcome, 'error')
  assert.match(attempt.reason ?? '', /larger than|exceeds|16777216/)
  assert.equal(near?.outcome, 'success', near?.reason)
})

test('HST-08: a reason of many megabytes is truncated', async () => {
  await using narwhal = await openHostile({
    tell: async function* () {
      const reason = 'because '.repeat(500_000)
      yield { seq: 2n, event: { case: 'finished', value: { outcome: Outcome.FAILURE, reason } } }
    },
  })
  const found = await narwhal.run()
  assert.equal(found.jobs[0]?.outcome, 'failure')
  assert.ok(JSON.stringify(found).length < 100_000)
})

test('HST-09: events after the end of an attempt change nothing', async () => {
  await using narwhal = await openHostile({
    tell: async function* () {
      yield {
        seq: 2n,
        event: { case: 'finished', value: { outcome: Outcome.FAILURE, reason: 'first' } },
      }
      yield { seq: 3n, event: FINISHED }
      for (let seq = 4n; seq < 500n; seq++) yield { ...aChunk({}), seq }
    },
  })
  const { jobs } = await narwhal.run()
  assert.equal(jobs[0]?.outcome, 'failure')
  assert.equal(jobs[0]?.reason, 'first')
})

test('HST-10: load reports are read no faster than their rate limit', async () => {
  const trouble = 'x'.repeat(1000)
  let isOver = false
  await using narwhal = await openHostile({
    load: async function* () {
      while (!isOver) yield { instanceId: 'x', slots: 0, trouble }
    },
  })
  // Jobs can't be placed on it while it reports that it is full; those for others are.
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/app' })
  await eventually(async () => {
    const { jobs } = await narwhal.client.getPipeline(id)
    return jobs.find(({ name }) => name === 'near')?.outcome === 'success'
  }, SLOW)
  const before = { at: performance.now(), count: narwhal.samples() }
  await eventually(() => performance.now() - before.at > 1_000)
  const perMs = (narwhal.samples() - before.count) / (performance.now() - before.at)
  // 2 per millisecond, and what fits into the connection's window.
  assert.ok(perMs < 5, `${perMs} a millisecond`)
  isOver = true
  await narwhal.client.cancelPipeline(id)
})

test('HST-11: a plan that no file can produce is rejected', () => {
  const plan = (jobs: readonly SomeJob[]) =>
    plannedFromProto(
      create(PlanCommitResponseSchema, { result: { case: 'plan', value: planJson(jobs) } }),
    )
  const many = Array.from({ length: 20_001 }, (_, n) => ({ name: `job-${n}` }))
  const message = /which no file can have/
  assert.throws(() => plan(many), { code: 'invalid', message })
  const steps = Array.from({ length: 200_001 }, () => ({ name: 'x' }))
  assert.throws(() => plan([{ name: 'a', steps }]), { code: 'invalid', message })
})

test('HST-12: an identity gives access only to the routes that a runner needs', async () => {
  await using narwhal = await openHostile()
  const headers = { authorization: `Bearer ${narwhal.identity}` }
  for (const path of ['pipelines', 'secrets', 'audit', 'runners/tokens', 'users', 'repositories']) {
    const { status } = await fetch(`${narwhal.url}/api/v1/${path}`, { headers })
    assert.equal(status, 401, path)
  }
})
