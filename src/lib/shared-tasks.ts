import { withSignal } from './async/with-signal.ts'

/** Receives a line about how far a task is. */
type OnLine = (line: string) => void

interface SharedTask<Result> {
  readonly result: Promise<Result>
  readonly stop: AbortController
  readonly said: string[]
  readonly listeners: Set<OnLine>
  callers: number
}

/** Of what a task has said, for callers who join it later. */
const MOST_LINES = 200

/**
 * Work that several callers ask for concurrently and that is done once. It is aborted when the last waiting
 * caller has gone; a caller that goes earlier only stops waiting.
 */
export class SharedTasks<Result> {
  readonly #tasks = new Map<string, SharedTask<Result>>()

  /**
   * Joins the task of this key, or starts it. Rejects with the signal's reason when it aborts. What the task says
   * reaches all who wait for it, also what it said before they joined.
   */
  async join(
    key: string,
    signal: AbortSignal,
    start: (signal: AbortSignal, say: OnLine) => Promise<Result>,
    onLine: OnLine = () => {},
  ): Promise<Result> {
    signal.throwIfAborted()
    const known = this.#tasks.get(key)
    for (const line of known?.said ?? []) onLine(line)
    const task = known ?? this.#start(key, start, onLine)
    // A function of this call's own: two callers may pass the same one.
    const listener: OnLine = (line) => onLine(line)
    if (known) task.listeners.add(listener)
    task.callers += 1
    try {
      return await withSignal(task.result, signal)
    } finally {
      task.listeners.delete(known ? listener : onLine)
      task.callers -= 1
      if (task.callers === 0) {
        this.#forget(key, task)
        task.stop.abort()
      }
    }
  }

  #start(
    key: string,
    start: (signal: AbortSignal, say: OnLine) => Promise<Result>,
    onLine: OnLine,
  ): SharedTask<Result> {
    const stop = new AbortController()
    const said: string[] = []
    // What starts it listens from the first line on, which may be said before this returns.
    const listeners = new Set([onLine])
    const say: OnLine = (line) => {
      if (said.length < MOST_LINES) said.push(line)
      for (const listener of listeners) listener(line)
    }
    const task = { result: start(stop.signal, say), stop, said, listeners, callers: 0 }
    this.#tasks.set(key, task)
    const forget = () => this.#forget(key, task)
    task.result.then(forget, forget)
    return task
  }

  #forget(key: string, task: SharedTask<Result>): void {
    if (this.#tasks.get(key) === task) this.#tasks.delete(key)
  }
}
