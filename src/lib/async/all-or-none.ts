/**
 * Starts things beside each other, all or none: when one fails, the others' signal aborts, they are
 * waited for, and it rejects with the first one's reason. So what has to be removed then is not starting.
 */
export async function allOrNone(
  starts: Iterable<(signal: AbortSignal) => Promise<void>>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const started = [...starts].map((start) => start(either))
  try {
    await Promise.all(started)
  } catch (error) {
    stop.abort(error)
    await Promise.allSettled(started)
    throw error
  }
}
