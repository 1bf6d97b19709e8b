/** Waits for what others do, and no longer once the signal aborts: then it rejects with its reason. */
export async function withSignal<Result>(
  result: Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted()
  const gone = Promise.withResolvers<never>()
  const leave = () => gone.reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([result, gone.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** The items as long as the signal does not abort: then, also while one is waited for, it throws its reason. */
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
    // Nobody waits for that: it comes only after what the iterator itself is waiting for.
    iterator.return?.().catch(() => {})
  }
}
