import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'

/** Timers that can be frozen: what is due meanwhile waits until they thaw. */
export interface FrozenTimers extends Disposable {
  freeze(): void
  /** Runs everything that became due meanwhile. */
  thaw(): void
  /** Where the timers were started that became due while frozen. */
  readonly due: readonly string[]
  /** A timer for the test itself, which is never frozen. */
  readonly real: typeof setTimeout
}

/**
 * Replaces `setTimeout`, `setInterval` and `node:timers/promises` in this process. To be called before what
 * is tested starts its timers; Node's internal timers are not affected.
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
