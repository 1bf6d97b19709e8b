import { setImmediate as nextTurn } from 'node:timers/promises'
import { backoff } from '../../lib/async/backoff.ts'
import { describeError } from '../../lib/errors.ts'
import type { AttemptFiles } from './attempt-files.ts'
import type { EventWindow } from './event-window.ts'

const BATCH_BYTES = 256 * 1024
/** A power cut may lose what was written within this time. */
const SYNC_MS = 200
/** The same for the last event; nothing is synced if it is acknowledged sooner. */
const LAST_SYNC_MS = 10
const RETRY = { firstMs: 100, maxMs: 2_000 } as const

export interface SpoolWriterDeps {
  readonly window: EventWindow
  readonly files: AttemptFiles
  /** Called when events have been written. */
  readonly onWritten: () => void
  /** Called with what keeps events from the disk; empty when that is over. */
  readonly onTrouble: (trouble: string) => void
}

interface Troubles {
  readonly write: string
  readonly sync: string
}

/**
 * Writes events from the window to the files in the background: one write at a time, each with all
 * events that have accumulated. A failed write is retried until it succeeds, or until the events are
 * acknowledged without ever having been on disk.
 */
export class SpoolWriter {
  readonly #deps: SpoolWriterDeps
  readonly #stop = new AbortController()
  #writing: Promise<void> | undefined
  #syncing: Promise<void> | undefined
  #flushing: Promise<void> | undefined
  #syncTimer: NodeJS.Timeout | undefined
  #syncAt = Infinity
  #troubles: Troubles = { write: '', sync: '' }

  constructor(deps: SpoolWriterDeps) {
    this.#deps = deps
  }

  /** There is something to write. */
  wake(): void {
    if (!this.#stop.signal.aborted) this.#writing ??= this.#write()
  }

  /** Ends after what is in flight. */
  async stop(): Promise<void> {
    await this.#halt()
    await this.#flushing?.catch(() => undefined)
  }

  /** Tries once more to write everything, and ends. Rejects if that fails. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush()
    return this.#flushing
  }

  async #flush(): Promise<void> {
    await this.#halt()
    while (await this.#writeSome());
    await this.#deps.files.sync()
  }

  async #halt(): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#syncTimer)
    await this.#writing
    await this.#syncing
  }

  async #write(): Promise<void> {
    const { signal } = this.#stop
    // Readers that forward the events come first.
    await nextTurn()
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!(await this.#writeSome())) break
        failures = 0
      } catch (error) {
        this.#report({ write: describeError(error) })
        await backoff(failures, RETRY, signal).catch(() => undefined)
        failures += 1
      }
    }
    this.#writing = undefined
  }

  /** False if there is nothing to write. */
  async #writeSome(): Promise<boolean> {
    const { window, files } = this.#deps
    const events = window.listUnwritten(BATCH_BYTES)
    const last = events.at(-1)
    if (last) {
      await files.write(events, window.progress)
      window.markWritten(last.seq)
      this.#syncIn(last.event.type === 'finished' ? LAST_SYNC_MS : SYNC_MS)
    }
    this.#report({ write: '' })
    this.#deps.onWritten()
    return last !== undefined
  }

  #syncIn(ms: number): void {
    const at = performance.now() + ms
    if (at >= this.#syncAt || this.#stop.signal.aborted) return
    clearTimeout(this.#syncTimer)
    this.#syncAt = at
    this.#syncTimer = setTimeout(() => {
      this.#syncAt = Infinity
      if (this.#syncing) this.#syncIn(SYNC_MS)
      else this.#syncing = this.#sync().finally(() => (this.#syncing = undefined))
    }, ms).unref()
  }

  async #sync(): Promise<void> {
    const { window, files } = this.#deps
    try {
      await files.sync()
      if (window.progress.isFinished && !this.#writing) await files.close()
      this.#report({ sync: '' })
    } catch (error) {
      this.#report({ sync: describeError(error) })
      this.#syncIn(RETRY.maxMs)
    }
  }

  #report(change: Partial<Troubles>): void {
    this.#troubles = { ...this.#troubles, ...change }
    this.#deps.onTrouble(this.#troubles.write || this.#troubles.sync)
  }
}
