/**
 * Does the work for each item, at most `atOnce` concurrently; the results are in the items' order.
 * After a failure no more is started, and it rejects once what is in flight has ended.
 */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const next = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of next) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, worker))
  const failure = ended.find((one) => one.status === 'rejected')
  if (failure) throw failure.reason
  return results
}
