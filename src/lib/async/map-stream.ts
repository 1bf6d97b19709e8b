/**
 * What a stream says, in other words. Ending it early ends the stream itself, also while that is
 * waited for, which a generator would put off until then.
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
            // Nobody ends what has rejected: without this it would stay open.
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
