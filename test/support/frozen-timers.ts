import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'

/** Timers that can be stopped for a while: what is due meanwhile waits until they go on. */
export interface FrozenTimers extends Disposable {
  freeze(): void
  /** Lets everything go on that became due meanwhile. */
  thaw(): void
  /** Where those timers were started that became due while all stood still. */
  readonly due: readonly string[]
  /** A timer of the test's own, which goes on. */
  readonly real: typeof setTimeout
}

/**
 * Puts itself between this process and `setTimeout`, `setInterval` and `node:timers/promises`. To be
 * called before what is tested starts its timers; whatever Node does by itself is not held.
 */
export function frozenTimers(): FrozenTimers {
  const former = { setTimeout: timers.setTimeout, setInterval: timers.setInterval }
  const formerSleep = timersPromises.setTimeout
  let isFrozen = false
  const parked: { go: () => void; from: string }[] = []
  const held = (callback: (...args: unknown[]) => void) => {
    const from = new Error('started').stack ?? ''
    return (...args: unknown[]): void => {
      if (isFrozen) parked.push({ go: () => callback(...args), from })
      else callback(...args)
    }
  }
  const replace = (next: typeof former, sleep: typeof formerSleep): void => {
    Object.assign(timers, next)
    Object.assign(globalThis, next)
    timersPromises.setTimeout = sleep
    syncBuiltinESMExports()
  }
  const wrap = <Start extends typeof setTimeout | typeof setInterval>(start: Start): Start => {
    const wrapped = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
      start(held(callback), ms, ...args)
    return Object.assign(wrapped, start) as unknown as Start
  }
  const sleep = async (ms?: number, value?: unknown, options?: { signal?: AbortSignal }) => {
    await formerSleep(ms, undefined, options)
    return await new Promise((resolve) => held(() => resolve(value))())
  }
  replace(
    { setTimeout: wrap(former.setTimeout), setInterval: wrap(former.setInterval) },
    sleep as typeof formerSleep,
  )
  const thaw = (): void => {
    isFrozen = false
    for (const { go } of parked.splice(0)) go()
  }
  return {
    freeze: () => {
      isFrozen = true
    },
    thaw,
    get due() {
      return parked.map(({ from }) => from)
    },
    real: former.setTimeout,
    [Symbol.dispose]: () => {
      replace(former, formerSleep)
      thaw()
    },
  }
}
