/** Wakes one waiter. A call without a waiter is remembered, several count as one: no wake-up is lost. */
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
      const giveUp = () => resolve(false)
      const timer = setTimeout(giveUp, timeoutMs)
      signal.addEventListener('abort', giveUp, { once: true })
      await promise
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      this.#resolve = undefined
    }
    const woken = this.#pending
    this.#pending = false
    return woken
  }
}
