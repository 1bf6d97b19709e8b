/**
 * A binary heap that knows each item's position, so any item can be removed or moved in O(log n). If the
 * order of an item changes, `update` must be called for it before another one changes.
 */
export class IndexedHeap<Item> {
  readonly #compare: (a: Item, b: Item) => number
  readonly #items: Item[] = []
  readonly #places = new Map<Item, number>()

  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  get first(): Item | undefined {
    return this.#items[0]
  }

  add(item: Item): void {
    this.#put(item, this.#items.length)
    this.update(item)
  }

  /** Removes an item; no effect if it isn't there. */
  remove(item: Item): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    this.#places.delete(item)
    const last = this.#items.pop() as Item
    if (last === item) return
    this.#put(last, place)
    this.update(last)
  }

  /** Moves an item whose order has changed to its new position. */
  update(item: Item): void {
    let place = this.#places.get(item)
    if (place === undefined) return
    for (let parent = (place - 1) >> 1; place > 0; place = parent, parent = (place - 1) >> 1) {
      const above = this.#items[parent] as Item
      if (this.#compare(item, above) >= 0) break
      this.#put(above, place)
      this.#put(item, parent)
    }
    for (;;) {
      const below = this.#smallerChild(place)
      if (below === undefined) return
      const child = this.#items[below] as Item
      if (this.#compare(child, item) >= 0) return
      this.#put(child, place)
      this.#put(item, below)
      place = below
    }
  }

  /** Lazily, all items in order; the heap must not change meanwhile. */
  *inOrder(): Generator<Item, void, undefined> {
    const at = (place: number): Item => this.#items[place] as Item
    // No item is smaller than its parent: the next is a child of one already yielded.
    const next = new IndexedHeap<number>((a, b) => this.#compare(at(a), at(b)))
    if (this.size > 0) next.add(0)
    for (let place = next.first; place !== undefined; place = next.first) {
      next.remove(place)
      yield at(place)
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < this.size) next.add(child)
    }
  }

  #smallerChild(place: number): number | undefined {
    const left = 2 * place + 1
    const right = left + 1
    if (left >= this.#items.length) return undefined
    if (right >= this.#items.length) return left
    return this.#compare(this.#items[right] as Item, this.#items[left] as Item) < 0 ? right : left
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item
    this.#places.set(item, place)
  }
}
