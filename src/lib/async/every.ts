/**
 * Does some work every `ms` milliseconds, the first time after as long, until it is disposed, which waits for
 * what is under way. Never twice at once: a turn that comes meanwhile is left out. What the work rejects with
 * goes to `onError`, and the next turn tries again.
 */
export function every(
  ms: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): AsyncDisposable {
  let underWay: Promise<void> | undefined
  const timer = setInterval(() => {
    underWay ??= work()
      .catch(onError)
      .finally(() => {
        underWay = undefined
      })
  }, ms)
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await underWay
    },
  }
}
