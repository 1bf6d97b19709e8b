/**
 * Awaits a shared or uncancellable promise until the signal aborts, then rejects with the signal's reason at
 * once. Work that itself stops on the signal is given time to do so by `withGrace`.
 */
export async function withSignal<Result>(
  result: Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([result, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Yields the items until the signal aborts; then throws its reason, also while an item is awaited. */
export async function* whileNotAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void, undefined> {
  const iterator = items[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await withSignal(iterator.next(), signal)
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not awaited: it resolves only after the item that the iterator is waiting for.
    iterator.return?.().catch(() => {})
  }
}
