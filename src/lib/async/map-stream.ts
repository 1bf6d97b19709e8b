/**
 * Maps each item of a stream. Returning early closes the stream itself at once, also while an item is
 * awaited; a generator would only do so after that item.
 */
export function mapStream<In, Out>(
  stream: AsyncIterable<In>,
  translate: (item: In) => Out,
): AsyncIterable<Out> {
  return {
    [Symbol.asyncIterator]() {
      const items = stream[Symbol.asyncIterator]()
      return {
        async next() {
          const { done, value } = await items.next()
          if (done) return { done: true, value: undefined }
          try {
            return { done: false, value: translate(value) }
          } catch (error) {
            // A consumer doesn't close an iterator that has rejected: it would stay open.
            await items.return?.()
            throw error
          }
        },
        async return() {
          await items.return?.()
          return { done: true, value: undefined }
        },
        async throw(reason: unknown) {
          if (items.throw) await items.throw(reason)
          else await items.return?.()
          throw reason
        },
      }
    },
  }
}
