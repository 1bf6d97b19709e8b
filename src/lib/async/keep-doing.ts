import { setTimeout as sleep } from 'node:timers/promises'

interface KeepDoingOptions {
  /** From the end of one run to the start of the next, in milliseconds. */
  readonly everyMs: number
  /** Before the first run; none by default. */
  readonly firstMs?: number
  /** After a failure; `everyMs` by default. */
  readonly retryMs?: number
  /** The signal is aborted on disposal. */
  readonly work: (signal: AbortSignal) => Promise<void>
  /** Receives what `work` rejects with, except after the abort. */
  readonly onError: (error: unknown) => void
}

/**
 * Runs some work in the background over and over, with a pause after each run, until disposed: disposal
 * aborts the run in progress and waits for it. Its timers don't keep the process alive.
 *
 * Use it for loops that may take long, as polling. For short work at a fixed rate there is `every`.
 */
export function keepDoing({
  everyMs,
  firstMs,
  retryMs = everyMs,
  work,
  onError,
}: KeepDoingOptions): AsyncDisposable {
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
