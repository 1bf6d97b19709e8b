import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { bearer, METRICS_TOKEN } from '../support/tokens.ts'
import type { Sample } from './evidence.ts'
import { machineMs } from './machine-clock.ts'
import type { SupervisedProcess } from './supervised-process.ts'

const EVERY_MS = 1_000
/** Every so many rounds the processes are asked for their own figures. */
const METRICS_ROUNDS = 2
const STALE_WRITES = /^narwhal_stale_writes_total(?:\{[^}]*\})? (\d+)/gm

/** Notes once a second how much memory each process has, and what it counts itself; until its disposal. */
export class ProcessSampler implements AsyncDisposable {
  readonly samples: Sample[] = []
  readonly #processes: readonly SupervisedProcess[]
  /** By pid: a process counts from 0 in each of its lives. */
  readonly #staleWrites = new Map<number, number>()
  readonly #stop = new AbortController()
  readonly #loop: Promise<void>

  constructor(processes: readonly SupervisedProcess[]) {
    this.#processes = processes
    this.#loop = this.#sample()
  }

  /** How many writes of former owners were refused. Those of a process's last seconds are missing. */
  get staleWrites(): number {
    return [...this.#staleWrites.values()].reduce((sum, one) => sum + one, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #sample(): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      await Promise.all(this.#processes.map((one) => this.#readMemory(one)))
      if (round % METRICS_ROUNDS === 0) {
        await Promise.all(this.#processes.map((one) => this.#readMetrics(one)))
      }
      await sleep(EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  async #readMemory({ name, role, pid }: SupervisedProcess): Promise<void> {
    if (pid === undefined) return
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
    if (kilobytes === undefined) return
    this.samples.push({ name, role, at: machineMs(), rssBytes: Number(kilobytes) * 1024 })
  }

  async #readMetrics({ healthUrl, pid, paused }: SupervisedProcess): Promise<void> {
    if (pid === undefined || paused) return
    try {
      const answer = await fetch(`${healthUrl}/metrics`, {
        headers: bearer(METRICS_TOKEN),
        signal: AbortSignal.timeout(1_000),
      })
      const text = await answer.text()
      const counts = [...text.matchAll(STALE_WRITES)].map(([, count]) => Number(count))
      if (counts.length === 0) return
      this.#staleWrites.set(
        pid,
        counts.reduce((sum, one) => sum + one, 0),
      )
    } catch {
      // It is down or hangs: the next round asks again.
    }
  }
}
