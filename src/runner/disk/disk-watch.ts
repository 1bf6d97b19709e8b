import { stat, statfs } from 'node:fs/promises'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { DiskUse, SandboxDisk } from '../executor/executor.ts'

/** How often it is looked how much room there is, in milliseconds. */
const LOOK_MS = 1_000
/** Measuring waits until the job may have written this share of what it has left, or of its limit. */
const SHARE_LEFT = 0.5
const SHARE_OF_LIMIT = 1 / 64

interface Watched {
  readonly disk: SandboxDisk
  readonly limitBytes: number
  readonly onOver: (use: DiskUse) => void
  readonly stop: AbortController
  /** What was written to its disks since it was measured, by whomever. */
  written: number
  /** After so much it is measured. */
  due: number
  isMeasuring: boolean
}

/**
 * Sees to it that no job takes more of the disk than it may. To measure is dear, so it is asked first, for all jobs
 * at once, how much room their disks have: only when so much of it has gone that a job may be near its limit are
 * its folders measured. While no job runs nothing is done.
 */
export class DiskWatch {
  readonly #log: Logger
  readonly #watched = new Set<Watched>()
  /** The room of each file system at the last look, by its number. */
  #room = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Watches a sandbox until the disposal; `onOver` is called once. */
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
    void this.#look()
    this.#timer = setInterval(() => {
      if (this.#watched.size > 0) return void this.#look()
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#room = new Map()
    }, LOOK_MS)
    this.#timer.unref()
  }

  /** Never rejects. */
  async #look(): Promise<void> {
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
        this.#log.warn({ reason: describeError(error) }, "a job's disk could not be measured")
      }
    } finally {
      one.isMeasuring = false
    }
  }
}

/** What file systems have left; each once. */
async function roomOf(folders: readonly string[]): Promise<ReadonlyMap<number, number>> {
  const room = new Map<number, number>()
  for (const folder of folders) {
    try {
      const { dev } = await stat(folder)
      if (room.has(dev)) continue
      const { bfree, bsize } = await statfs(folder)
      room.set(dev, bfree * bsize)
    } catch {
      // Gone with its sandbox, or not this machine's.
    }
  }
  return room
}
