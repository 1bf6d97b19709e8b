/**
 * Waits for work that ought to end soon after its signal aborts. What has not ended `graceMs`
 * milliseconds later is given up: the result rejects with the signal's reason, so that nothing
 * that hangs can hold up a cancellation.
 */
export async function withGrace<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  graceMs: number,
): Promise<Result> {
  const givenUp = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const startTimer = () => {
    timer = setTimeout(() => givenUp.reject(signal.reason), graceMs)
  }
  if (signal.aborted) startTimer()
  else signal.addEventListener('abort', startTimer, { once: true })
  try {
    return await Promise.race([work, givenUp.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', startTimer)
  }
}
