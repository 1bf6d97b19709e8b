import assert from 'node:assert/strict'
import { mock, type TestContext, test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  CommitSchema,
  type RunAttemptRequest,
  type RunAttemptResponse,
  RunAttemptResponseSchema,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { NarwhalError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import { AttemptRun } from './attempt-run.ts'
import type { RunnerLink } from './runner-link.ts'

type Answer = (
  requests: AsyncIterable<RunAttemptRequest>,
  signal: AbortSignal,
) => AsyncGenerator<RunAttemptResponse, void, undefined>

function message(
  seq: number,
  event?: MessageInitShape<typeof RunAttemptResponseSchema>['event'],
): RunAttemptResponse {
  return create(RunAttemptResponseSchema, { seq: BigInt(seq), ...(event ? { event } : {}) })
}
const started = message(1, { case: 'started', value: { instanceId: 'i' } })
const ended = (seq: number) => message(seq, { case: 'finished', value: {} })

/** A conversation with a runner that gives these answers, one for each stream. */
function converse(
  answers: readonly Answer[],
  more: { store?: (events: RunAttemptResponse[]) => Promise<void>; balanced?: boolean } = {},
) {
  const starts: { resume: boolean; afterSeq: bigint }[] = []
  const link = {
    balanced: more.balanced ?? false,
    record: { members: 2 },
    runAttempt: async function* (requests: AsyncIterable<RunAttemptRequest>, signal: AbortSignal) {
      for await (const { request } of requests) {
        if (request.case === 'start') starts.push(request.value)
        break
      }
      const answer = answers[starts.length - 1]
      if (!answer) throw new NarwhalError('invalid', 'this stream is one too many')
      yield* answer(requests, signal)
    },
  } as unknown as RunnerLink
  const run = new AttemptRun({
    mayConfirm: () => true,
    verify: async () => {},
    order: {
      jobId: 'job_1',
      attempt: 1,
      fence: 1,
      commit: create(CommitSchema),
      job: { name: 'a', env: {}, needs: [], labels: [], steps: [] },
      env: {},
      timeoutMs: 1_000,
    },
    link,
    store: more.store ?? (async () => {}),
    signal: new AbortController().signal,
    log: silentLog(),
  })
  return { starts, end: run.run() }
}

const until = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

function mockTime(context: TestContext): (ms: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  context.after(() => mock.timers.reset())
  return async (ms) => {
    await new Promise((resolve) => setImmediate(resolve))
    mock.timers.tick(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('does not blame the runner for a store that is away', async (context) => {
  const pass = mockTime(context)
  const stored = Promise.withResolvers<void>()
  const { starts, end } = converse(
    [
      async function* (_, signal) {
        yield started
        for (let seq = 2; seq < 400; seq++) yield message(seq)
        signal.throwIfAborted()
        yield ended(400)
      },
    ],
    { store: () => stored.promise },
  )
  await pass(60_000)
  stored.resolve()
  assert.deepEqual(await end, { kind: 'reported' })
  assert.equal(starts.length, 1)
})

test('notices events that can not be stored although nothing but heartbeats follows', async () => {
  const { end } = converse(
    [
      async function* (_, signal) {
        yield message(7)
        await new Promise((resolve) => setImmediate(resolve))
        yield message(0)
        await until(signal)
      },
    ],
    { store: () => Promise.reject(new NarwhalError('invalid', 'event 7 after 0')) },
  )
  assert.deepEqual(await end, { kind: 'lost', reason: 'event 7 after 0' })
})

for (const balanced of [false, true]) {
  const where = balanced ? 'behind a balancer' : 'by itself'
  test(`an attempt that has begun is never taken for refused (${where})`, async () => {
    const { starts, end } = converse(
      [
        async function* () {
          yield started
          await new Promise((resolve) => setImmediate(resolve))
          throw new NarwhalError('exhausted', 'enhance your calm')
        },
        async function* () {
          yield ended(2)
        },
      ],
      { balanced },
    )
    assert.deepEqual(await end, { kind: 'reported' })
    assert.deepEqual(
      starts.map(({ resume, afterSeq }) => ({ resume, afterSeq })),
      [
        { resume: false, afterSeq: 0n },
        { resume: true, afterSeq: 1n },
      ],
    )
  })
}
