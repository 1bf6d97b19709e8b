import { setTimeout as sleep } from 'node:timers/promises'

interface Kept {
  /** From the end of one time to the beginning of the next, in milliseconds. */
  readonly everyMs: number
  /** Before the first time; it begins at once unless told. */
  readonly firstMs?: number
  /** After a failure; `everyMs` unless told. */
  readonly retryMs?: number
  /** The signal aborts with the disposal. */
  readonly work: (signal: AbortSignal) => Promise<void>
  /** Hears what the work rejects with, but for what it does since it was aborted. */
  readonly onError: (error: unknown) => void
}

/**
 * Does some work in the background again and again, with a rest behind each time, until its disposal, which
 * aborts what is under way and waits for it. It keeps no process alive.
 */
export function keepDoing({
  everyMs,
  firstMs,
  retryMs = everyMs,
  work,
  onError,
}: Kept): AsyncDisposable {
  const stop = new AbortController()
  const { signal } = stop
  const rest = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
  const keep = async (): Promise<void> => {
    if (firstMs !== undefined) await rest(firstMs)
    while (!signal.aborted) {
      try {
        await work(signal)
        await rest(everyMs)
      } catch (error) {
        if (signal.aborted) return
        onError(error)
        await rest(retryMs)
      }
    }
  }
  const kept = keep()
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await kept
    },
  }
}
