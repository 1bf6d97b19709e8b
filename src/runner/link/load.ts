import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'

/** A machine's load at one point in time. */
export interface LoadSample {
  /** Epoch milliseconds. */
  readonly at: number
  /** The load average over one minute, divided by the number of processors. */
  readonly load: number
  /** The share of processor time in use since the previous sample, 0 to 1. */
  readonly cpu: number
  readonly memoryUsedBytes: number
  readonly memoryTotalBytes: number
  /** Of the file system with the given folder. */
  readonly diskFreeBytes: number
}

/** Takes samples; each meter measures processor time since its own previous sample. */
export class LoadMeter {
  readonly #folder: string
  #times = cpuTimes()

  constructor(folder: string) {
    this.#folder = folder
  }

  async sample(): Promise<LoadSample> {
    const before = this.#times
    this.#times = cpuTimes()
    const total = this.#times.total - before.total
    const busy = this.#times.busy - before.busy
    const disk = await statfs(this.#folder).catch(() => undefined)
    return {
      at: Date.now(),
      load: (loadavg()[0] ?? 0) / availableParallelism(),
      cpu: total > 0 ? Math.min(1, Math.max(0, busy / total)) : 0,
      memoryUsedBytes: totalmem() - freemem(),
      memoryTotalBytes: totalmem(),
      diskFreeBytes: disk ? disk.bavail * disk.bsize : 0,
    }
  }
}

/**
 * proc(5): the first line of `stat` is the sum of all processors. Node's `cpus()` also asks each for its present
 * frequency, which wakes it.
 */
function cpuTimes(): { busy: number; total: number } {
  const [sum = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1)
  // A guest's time is part of `user` and `nice`.
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softIrq = 0, stolen = 0] =
    sum.split(/ +/).slice(1).map(Number)
  const busy = user + nice + system + irq + softIrq + stolen
  return { busy, total: busy + idle + waiting }
}
