/**
 * Awaits work that should end soon after its signal aborts. `graceMs` milliseconds after the abort it is
 * abandoned: the result rejects with the signal's reason, so that hanging work can't block a cancellation.
 *
 * `withSignal` does not wait for the work after an abort at all; `within` has a timeout instead of a signal.
 */
export async function withGrace<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  graceMs: number,
): Promise<Result> {
  const abandoned = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const startTimer = () => {
    timer = setTimeout(() => abandoned.reject(signal.reason), graceMs)
  }
  if (signal.aborted) startTimer()
  else signal.addEventListener('abort', startTimer, { once: true })
  try {
    return await Promise.race([work, abandoned.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', startTimer)
  }
}
