import { stat, statfs } from 'node:fs/promises'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { DiskUse, SandboxDisk } from '../executor/executor.ts'

/** How often the free space is polled. */
const POLL_MS = 1_000
/** A job is measured once it may have written this share of what it has left, or of its limit. */
const SHARE_LEFT = 0.5
const SHARE_OF_LIMIT = 1 / 64

interface Watched {
  readonly disk: SandboxDisk
  readonly limitBytes: number
  readonly onOver: (use: DiskUse) => void
  readonly stop: AbortController
  /** What was written to its disks since it was measured, by anyone. */
  written: number
  /** The value of `written` at which it is measured again. */
  due: number
  isMeasuring: boolean
}

/**
 * Enforces the disk limits of jobs. Measuring folders is expensive, so the free space of their disks is
 * polled first, for all jobs at once: a job is measured only after enough of it is gone that the job
 * may be near its limit. Idle while no job runs.
 */
export class DiskWatch {
  readonly #log: Logger
  readonly #watched = new Set<Watched>()
  /** The free space of each file system at the last poll, by device number. */
  #room = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Watches a sandbox until it is disposed; `onOver` is called at most once. */
  watch(disk: SandboxDisk, limitBytes: number, onOver: (use: DiskUse) => void): Disposable {
    const one: Watched = {
      disk,
      limitBytes,
      onOver,
      stop: new AbortController(),
      written: 0,
      due: limitBytes * SHARE_OF_LIMIT,
      isMeasuring: false,
    }
    this.#watched.add(one)
    if (!this.#timer) this.#start()
    return {
      [Symbol.dispose]: () => {
        one.stop.abort()
        this.#watched.delete(one)
      },
    }
  }

  #start(): void {
    void this.#poll()
    this.#timer = setInterval(() => {
      if (this.#watched.size > 0) return void this.#poll()
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#room = new Map()
    }, POLL_MS)
    this.#timer.unref()
  }

  /** Never rejects. */
  async #poll(): Promise<void> {
    const before = this.#room
    const room = new Map<number, number>()
    for (const one of this.#watched) {
      let written = 0
      for (const [device, bytes] of await roomOf(one.disk.folders)) {
        room.set(device, bytes)
        written += Math.max(0, (before.get(device) ?? bytes) - bytes)
      }
      one.written += written
      if (one.written >= one.due) void this.#measure(one)
    }
    this.#room = room
  }

  async #measure(one: Watched): Promise<void> {
    if (one.isMeasuring) return
    one.isMeasuring = true
    one.written = 0
    try {
      const use = await one.disk.measure(one.stop.signal)
      if (!this.#watched.has(one)) return
      if (use.bytes > one.limitBytes) {
        this.#watched.delete(one)
        one.onOver(use)
      }
      const left = one.limitBytes - use.bytes
      one.due = Math.max(one.limitBytes * SHARE_OF_LIMIT, left * SHARE_LEFT)
    } catch (error) {
      if (!one.stop.signal.aborted) {
        this.#log.warn({ reason: describeError(error) }, "can't measure the disk space of a job")
      }
    } finally {
      one.isMeasuring = false
    }
  }
}

/** The free space of the folders' file systems, each once. */
async function roomOf(folders: readonly string[]): Promise<ReadonlyMap<number, number>> {
  const room = new Map<number, number>()
  for (const folder of folders) {
    try {
      const { dev } = await stat(folder)
      if (room.has(dev)) continue
      const { bfree, bsize } = await statfs(folder)
      room.set(dev, bfree * bsize)
    } catch {
      // Removed with its sandbox, or on another machine.
    }
  }
  return room
}
