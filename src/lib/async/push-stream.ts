/**
 * A stream whose items are pushed from outside. One reader; items are buffered in order. A push after `end`
 * is ignored, so late callers need no check.
 */
export class PushStream<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = []
  #ended = false
  #wake: (() => void) | undefined

  push(item: Item): void {
    if (this.#ended) return
    this.#items.push(item)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) {
        yield item
      } else if (this.#ended) {
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    }
  }
}
