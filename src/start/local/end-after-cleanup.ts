import { describeError } from '../../lib/errors.ts'
import type { Runner } from '../../runner/runner.ts'

export interface EndAfterCleanup {
  readonly runner: Pick<Runner, 'closeAfterCleanup'>
  /** Aborts when the run is to end. */
  readonly signal: AbortSignal
  /**
   * Called as soon as it is known that steps are running, which have some time to end; `hasSteps`: and then there are
   * steps that clean up.
   */
  readonly onCleanup?: ((hasSteps: boolean) => void) | undefined
}

export interface RunEnd extends Disposable {
  /** Aborts when the run is to end at once: its jobs have not begun. */
  readonly signal: AbortSignal
  /** Aborts when they have cleaned up: what they have reported is still to be shown. */
  readonly over: AbortSignal
  /** Throws the reason for the end, also if the pipeline has ended before it by the cleanup. */
  throwIfEnding(): void
}

/** The end of a run: at once, or after its running steps have ended and its jobs have cleaned up. */
export function endAfterCleanup({ runner, signal, onCleanup }: EndAfterCleanup): RunEnd {
  const end = new AbortController()
  const over = new AbortController()
  const onAbort = (): void => {
    const cleaning = runner.closeAfterCleanup(describeError(signal.reason))
    if (!cleaning) return end.abort(signal.reason)
    onCleanup?.(cleaning.hasCleanup)
    void cleaning.closed.finally(() => over.abort(signal.reason))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return {
    signal: end.signal,
    over: over.signal,
    throwIfEnding: () => signal.throwIfAborted(),
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', onAbort)
      end.abort(signal.reason)
    },
  }
}
