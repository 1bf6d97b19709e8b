/**
 * Starts things concurrently, all or none: when one fails, the others are aborted and awaited, and it rejects
 * with the first reason. So when the caller cleans up, nothing is still starting.
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
