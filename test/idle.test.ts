import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { startUp } from './support/installation.ts'

/** How long is counted: as many firings of a timer of the test's own, which fires once a second. */
const SECONDS = 5
/** Turns of the event loop in that time: some for each timer, and for each answer of a thread. */
const MOST_TURNS = 25 * SECONDS
/** A start, and what it sets off, is over by then; a timer that ticks for ever isn't. */
const REST_MS = 60_000

interface Counts {
  /** By the place in `src` that has started the timer. */
  readonly fired: ReadonlyMap<string, number>
  readonly turns: number
}

/** Counts while the test's own timer fires SECONDS times. */
async function countWhileIdle(): Promise<Counts> {
  const fired = new Map<string, number>()
  const { promise, resolve } = Promise.withResolvers<void>()
  let seconds = 0
  const before = performance.nodeTiming.uvMetricsInfo.loopCount
  const clock = setInterval(() => ++seconds === SECONDS && resolve(), 1_000)
  onFired = (place) => fired.set(place, (fired.get(place) ?? 0) + 1)
  try {
    await promise
    return { fired, turns: performance.nodeTiming.uvMetricsInfo.loopCount - before }
  } finally {
    clearInterval(clock)
  }
}

let onFired: (place: string) => void = () => {}

/** Knows of each timer that is started from now on where it was. */
function watchTimers(): Disposable {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 30
  const places = new Map<number, string>()
  const hook = createHook({
    init(id, type) {
      const place = type === 'Timeout' ? /\/src\/([^\s)]+)/.exec(new Error().stack ?? '')?.[1] : ''
      if (place) places.set(id, place)
    },
    before(id) {
      const place = places.get(id)
      if (place) onFired(place)
    },
    destroy(id) {
      places.delete(id)
    },
  }).enable()
  return {
    [Symbol.dispose]: () => {
      hook.disable()
      Error.stackTraceLimit = limit
    },
  }
}

test('an idle Narwhal has no timer that fires more than once a second, and its loop hardly turns', async () => {
  using _timers = watchTimers()
  await using _narwhal = await startUp()
  await eventually(
    async () => {
      const { fired, turns } = await countWhileIdle()
      const often = [...fired].filter(([, times]) => times > SECONDS + 1)
      assert.deepEqual(often, [])
      // Timers of Node's own, such as those of its histograms, are seen by this only.
      assert.ok(turns <= MOST_TURNS, `the loop has turned ${turns} times`)
      assert.ok(fired.size > 0, 'timers are seen at all')
    },
    { timeoutMs: REST_MS },
  )
})
