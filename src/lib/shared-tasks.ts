import { withSignal } from './async/with-signal.ts'

interface SharedTask<Result> {
  readonly result: Promise<Result>
  readonly stop: AbortController
  callers: number
}

/**
 * Work that several callers ask for concurrently and that is done once. It is aborted when the last waiting
 * caller has gone; a caller that goes earlier only stops waiting.
 */
export class SharedTasks<Result> {
  readonly #tasks = new Map<string, SharedTask<Result>>()

  /** Joins the task of this key, or starts it. Rejects with the signal's reason when it aborts. */
  async join(
    key: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted()
    const task = this.#tasks.get(key) ?? this.#start(key, start)
    task.callers += 1
    try {
      return await withSignal(task.result, signal)
    } finally {
      task.callers -= 1
      if (task.callers === 0) {
        this.#forget(key, task)
        task.stop.abort()
      }
    }
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<Result>): SharedTask<Result> {
    const stop = new AbortController()
    const task = { result: start(stop.signal), stop, callers: 0 }
    this.#tasks.set(key, task)
    const forget = () => this.#forget(key, task)
    task.result.then(forget, forget)
    return task
  }

  #forget(key: string, task: SharedTask<Result>): void {
    if (this.#tasks.get(key) === task) this.#tasks.delete(key)
  }
}
