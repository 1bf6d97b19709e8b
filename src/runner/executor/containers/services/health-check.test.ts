import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthCheckOf, untilHealthy } from './health-check.ts'

const NOTHING = new AbortController().signal
const CHECK = {
  command: ['check'],
  intervalMs: 1,
  timeoutMs: 10_000,
  startPeriodMs: 0,
  retries: 3,
}

test('reads a HEALTHCHECK with Docker defaults', () => {
  const usual = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 }
  assert.deepEqual(healthCheckOf({ test: ['CMD', 'a', 'b'] }), { command: ['a', 'b'], ...usual })
  assert.deepEqual(
    healthCheckOf({ test: ['CMD-SHELL', 'a b'], retries: 7, startPeriodMs: 5, intervalMs: 0 }),
    { command: ['/bin/sh', '-c', 'a b'], ...usual, retries: 7, startPeriodMs: 5 },
  )
  assert.deepEqual(healthCheckOf({ test: ['CMD-SHELL', 'a'] }, ['/bin/bash', '-ec'])?.command, [
    '/bin/bash',
    '-ec',
    'a',
  ])
  for (const none of [['NONE'], [], ['CMD'], ['OTHER', 'x']]) {
    assert.equal(healthCheckOf({ test: none }), undefined)
  }
  assert.equal(healthCheckOf(undefined), undefined)
})

test('is healthy at the first success, also after failures', async () => {
  const codes = [1, 1, 0, 1]
  const signal = NOTHING
  await untilHealthy(CHECK, {
    run: async () => ({ exitCode: codes.shift() ?? 9, tail: '' }),
    signal,
  })
  assert.deepEqual(codes, [1])
})

test('has failed after that many failures in a row, each once per interval and after the start period', async () => {
  let tries = 0
  const run = async () => {
    tries += 1
    return { exitCode: 4, tail: 'not yet' }
  }
  await assert.rejects(
    untilHealthy(CHECK, { run, signal: NOTHING }),
    /HEALTHCHECK has failed 3 times in a row \(exit code 4: not yet\)/,
  )
  assert.ok(tries >= 3, String(tries))
  // In the start period nothing counts: it is given up by the caller here.
  const stop = new AbortController()
  tries = 0
  const waiting = untilHealthy(
    { ...CHECK, startPeriodMs: 600_000 },
    {
      run: async () => {
        if (++tries === 12) stop.abort(new Error('given up'))
        return { exitCode: 1, tail: '' }
      },
      signal: stop.signal,
    },
  )
  await assert.rejects(waiting, /given up/)
})

test('a try that hangs counts as a failure', async () => {
  const run = async (_: readonly string[], signal: AbortSignal) => {
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
    return { exitCode: 0, tail: '' }
  }
  await assert.rejects(
    untilHealthy({ ...CHECK, timeoutMs: 20, retries: 1 }, { run, signal: NOTHING }),
    /failed 1 times in a row \(exit code 1: it took longer than 0.02 s\)/,
  )
})
