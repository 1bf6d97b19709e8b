import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../../test/support/eventually.ts'
import type { AttemptMessage } from '../../contract/rpc/attempt-messages.ts'
import type { AttemptRequest } from '../../contract/rpc/attempt-requests.ts'
import type { AttemptEvent, ReceivedEvent } from '../../core/attempt/attempt-event.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import { AttemptRun } from './attempt-run.ts'

type Message = AttemptMessage<ReceivedEvent>
type Answer = (signal: AbortSignal) => AsyncGenerator<Message, void, undefined>

/** Without an event: one of a kind that only newer runners know. */
function message(seq: number, event?: AttemptEvent): Message {
  return { type: 'event', event: { seq, at: 0, ...present({ event }) } }
}
const started = message(1, { type: 'started', instanceId: 'i' })
const heartbeat = { type: 'heartbeat', at: 0, sentMs: 7 } as const
const ended = (seq: number) => message(seq, { type: 'finished', outcome: 'success' })

/** A conversation with a runner that gives these answers, one per stream. */
function converse(
  answers: readonly Answer[],
  more: {
    store?: (events: readonly ReceivedEvent[]) => Promise<void>
    balanced?: boolean
    leaseMs?: number
    mayConfirm?: () => boolean
    verify?: () => Promise<void>
    resumeAfter?: number
    cleanupMs?: number
  } = {},
) {
  const openings: string[] = []
  const confirmed: number[] = []
  const asked: AttemptRequest[] = []
  const link = {
    balanced: more.balanced ?? false,
    record: { members: 2 },
    client: {
      runAttempt: async function* (requests: AsyncIterable<AttemptRequest>, signal: AbortSignal) {
        const messages = requests[Symbol.asyncIterator]()
        const first = (await messages.next()).value
        openings.push(
          first?.type === 'resume' ? `resume after ${first.afterSeq}` : `${first?.type}`,
        )
        void (async () => {
          for (let next = await messages.next(); !next.done; next = await messages.next()) {
            if (next.value.type === 'cancel') asked.push(next.value)
            const sent = next.value.type === 'acknowledge' ? next.value.leaseSentMs : undefined
            if (sent !== undefined) confirmed.push(sent)
          }
        })()
        const answer = answers[openings.length - 1]
        if (!answer) throw new NarwhalError('invalid', 'this stream is one too many')
        yield* answer(signal)
      },
    },
  } as unknown as RunnerLink
  const run = new AttemptRun({
    mayConfirm: more.mayConfirm ?? (() => true),
    verify: more.verify ?? (async () => {}),
    ...present({ resumeAfter: more.resumeAfter }),
    order: {
      jobId: 'job_1',
      attempt: 1,
      commit: {
        repositoryId: 'repo_1',
        repositoryName: 'acme/app',
        cloneUrl: 'https://127.0.0.1/acme/app',
        ref: 'refs/heads/main',
        sha: '0'.repeat(40),
      },
      job: { name: 'a', env: {}, needs: [], labels: [], steps: [] },
      env: {},
      secrets: { KEY: 'value' },
      timeoutMs: 0,
      cleanupMs: more.cleanupMs ?? 0,
      logBytes: 1024 ** 3,
    },
    fence: 1,
    ...(more.leaseMs ? { leaseMs: more.leaseMs } : {}),
    link,
    store: more.store ?? (async () => {}),
    signal: new AbortController().signal,
    log: silentLog(),
  })
  return { openings, confirmed, asked, run, end: run.run() }
}

const until = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

/** A stream that ends in this error, or when this promise rejects, without a message. */
async function* fails(reason: Error | Promise<never>): ReturnType<Answer> {
  if (reason instanceof Error) throw reason
  yield await reason
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('does not blame the runner for an unavailable store', async () => {
  const stored = Promise.withResolvers<void>()
  const { openings, end } = converse(
    [
      async function* (signal) {
        yield heartbeat
        for (let seq = 1; seq < 400; seq++) yield message(seq)
        signal.throwIfAborted()
        yield ended(400)
      },
    ],
    { store: () => stored.promise, leaseMs: 20 },
  )
  // Far longer than the lease, which is checked every 250 ms.
  await sleep(600)
  stored.resolve()
  assert.deepEqual(await end, { kind: 'reported' })
  assert.equal(openings.length, 1)
})

test("notices events that can't be stored although only heartbeats follow", async () => {
  const { end } = converse(
    [
      async function* (signal) {
        yield heartbeat
        yield message(7)
        while (!signal.aborted) {
          await soon()
          yield heartbeat
        }
      },
    ],
    { store: () => Promise.reject(new NarwhalError('invalid', 'event 7 after 0')) },
  )
  assert.deepEqual(await end, { kind: 'lost', reason: 'event 7 after 0' })
})

test('confirms a lease with the time of the heartbeat that asked', async () => {
  const { confirmed, end } = converse([
    async function* () {
      yield heartbeat
      await soon()
      yield ended(1)
    },
  ])
  await end
  assert.deepEqual(confirmed, [7])
})

test('confirms nothing while its own seat is in doubt', async () => {
  const { confirmed, end } = converse(
    [
      async function* () {
        yield heartbeat
        await soon()
        yield ended(1)
      },
    ],
    { mayConfirm: () => false },
  )
  assert.deepEqual(await end, { kind: 'reported' })
  assert.deepEqual(confirmed, [])
})

test('counts an attempt as refused when an error comes before any lease was confirmed', async () => {
  const { end } = converse([() => fails(new NarwhalError('unavailable', 'the line broke'))])
  assert.deepEqual(await end, { kind: 'refused', reason: 'the line broke' })
})

test('gives an attempt up when its runner was silent until the lease expired', async () => {
  const { openings, end } = converse(
    [
      async function* () {
        yield heartbeat
        throw new NarwhalError('unavailable', 'the line broke')
      },
      (signal) => fails(until(signal)),
    ],
    { leaseMs: 100 },
  )
  assert.deepEqual(await end, {
    kind: 'lost',
    reason: 'lease expired: no heartbeat from the runner',
  })
  assert.equal(openings.length, 2)
})

test('repeats a cancel on each stream, and ends the cleanup when asked to', async () => {
  const second = Promise.withResolvers<void>()
  const { run, asked, end } = converse(
    [
      async function* () {
        yield heartbeat
        yield started
        await soon()
        throw new NarwhalError('unavailable', 'the line broke')
      },
      async function* () {
        yield heartbeat
        await second.promise
        yield ended(2)
      },
    ],
    { cleanupMs: 60_000 },
  )
  assert.equal(run.endCleanup(), false)
  run.cancel('enough')
  await eventually(() => assert.deepEqual(asked.at(-1), { type: 'cancel', reason: 'enough' }))
  assert.equal(run.endCleanup(), true)
  assert.equal(run.endCleanup(), false)
  const last = { type: 'cancel', reason: 'enough', endsCleanup: true }
  await eventually(() => assert.deepEqual(asked.at(-1), last))
  second.resolve()
  assert.deepEqual(await end, { kind: 'reported' })
})

test('a second cancel reaches the runner also where there is no cleanup: its step may still be ending', async () => {
  const ending = Promise.withResolvers<void>()
  const { run, asked, end } = converse([
    async function* () {
      yield heartbeat
      await ending.promise
      yield ended(1)
    },
  ])
  run.cancel('enough')
  assert.equal(run.endCleanup(), true)
  const last = { type: 'cancel', reason: 'enough', endsCleanup: true }
  await eventually(() => assert.deepEqual(asked.at(-1), last))
  assert.equal(run.endCleanup(), false)
  ending.resolve()
  await end
})

test('continues with a runner whose stream was taken over by mistake', async () => {
  let verified = 0
  const { end } = converse(
    [
      async function* () {
        yield heartbeat
        throw new NarwhalError('stale', 'another stream has taken over')
      },
      async function* () {
        yield ended(1)
      },
    ],
    {
      verify: async () => {
        verified++
      },
    },
  )
  assert.deepEqual(await end, { kind: 'reported' })
  assert.equal(verified, 1)
})

test("does not judge an attempt whose pipeline is another dispatcher's by now", async () => {
  const { end } = converse(
    [
      async function* () {
        yield heartbeat
        throw new NarwhalError('stale', 'another stream has taken over')
      },
    ],
    { verify: () => Promise.reject(new NarwhalError('stale', 'it is with another')) },
  )
  await assert.rejects(end, { code: 'stale' })
})

test('an attempt that the runner does not know was never started there', async () => {
  const { end } = converse([() => fails(new NarwhalError('not_found', 'no such attempt'))], {
    resumeAfter: 0,
  })
  assert.deepEqual(await end, { kind: 'refused', reason: 'no such attempt' })
})

for (const balanced of [false, true]) {
  const where = balanced ? 'behind a balancer' : 'by itself'
  test(`an attempt that has started never counts as refused (${where})`, async () => {
    const { openings, end } = converse(
      [
        async function* () {
          yield heartbeat
          yield started
          await soon()
          throw new NarwhalError('exhausted', 'enhance your calm')
        },
        async function* () {
          yield ended(2)
        },
      ],
      { balanced },
    )
    assert.deepEqual(await end, { kind: 'reported' })
    assert.deepEqual(openings, ['start', 'resume after 1'])
  })
}
