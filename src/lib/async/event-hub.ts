/**
 * Calls listeners in the order they were added. If one throws, `onError` gets it; others are still called.
 */
export class EventHub<Event> {
  readonly #listeners = new Set<(event: Event) => void>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Adds a listener; disposing the result removes it. */
  listen(listener: (event: Event) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
