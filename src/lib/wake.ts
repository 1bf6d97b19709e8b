/** Wakes one waiter. A call while nobody waits is kept, several count as one: no wake-up is lost. */
export class Wake {
  #pending = false
  #resolve: ((woken: boolean) => void) | undefined

  wake(): void {
    this.#pending = true
    this.#resolve?.(true)
  }

  /**
   * Resolves to true when woken, to false after `timeoutMs` milliseconds or when the signal
   * aborts.
   */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      this.#resolve = resolve
      const give = () => resolve(false)
      const timer = setTimeout(give, timeoutMs)
      signal.addEventListener('abort', give, { once: true })
      await promise
      clearTimeout(timer)
      signal.removeEventListener('abort', give)
      this.#resolve = undefined
    }
    const woken = this.#pending
    this.#pending = false
    return woken
  }
}
