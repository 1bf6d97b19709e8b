/**
 * Runs some work at a fixed rate: every `ms` milliseconds, the first time after `ms`, until disposed;
 * disposal waits for the run in progress. Runs never overlap: a tick during one is skipped. Rejections go to
 * `onError`.
 *
 * Use it for short, periodic work. `keepDoing` waits between runs instead, can be aborted, and has a delay of
 * its own after a failure.
 */
export function every(
  ms: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): AsyncDisposable {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= work()
      .catch(onError)
      .finally(() => {
        running = undefined
      })
  }, ms)
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await running
    },
  }
}
