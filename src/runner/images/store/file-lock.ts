import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, hasCode, NarwhalError } from '../../../lib/errors.ts'

const BUSY = 5
const FIRST_WAIT_MS = 2
const LONGEST_WAIT_MS = 100

/**
 * A lock between processes and within one: that of a small database, which the kernel releases however the
 * process ends.
 */
export class FileLock implements Disposable {
  readonly #path: string
  #database: DatabaseSync | undefined
  #isHeld = false

  constructor(path: string) {
    this.#path = path
  }

  /** Calls `run`, which must be short, while nobody else holds the lock. */
  async during<Result>(run: () => Result, signal?: AbortSignal): Promise<Result> {
    await this.acquire(signal)
    try {
      return run()
    } finally {
      this.release()
    }
  }

  /** Waits for the lock; rejects with the signal's reason when it aborts. */
  async acquire(signal?: AbortSignal): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      signal?.throwIfAborted()
      if (!this.#isHeld && this.#try()) {
        this.#isHeld = true
        return
      }
      await sleep(waitMs, undefined, signal ? { signal } : {})
    }
  }

  release(): void {
    this.#isHeld = false
    this.#database?.exec('ROLLBACK')
  }

  [Symbol.dispose](): void {
    this.#database?.close()
    this.#database = undefined
  }

  #try(): boolean {
    try {
      this.#database ??= open(this.#path)
      this.#database.exec('BEGIN EXCLUSIVE')
      return true
    } catch (cause) {
      if (cause instanceof Error && 'errcode' in cause && cause.errcode === BUSY) return false
      const words = `can't lock ${this.#path}: ${describeError(cause)}`
      throw new NarwhalError('unavailable', words, { cause })
    }
  }
}

function open(path: string): DatabaseSync {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  return new DatabaseSync(path, { timeout: 0 })
}
