import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRecord } from './evidence.ts'
import { type Fault, makeFaults } from './faults.ts'
import { machineMs } from './machine-clock.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Topology } from './topology.ts'

/** So many faults that last may be there at once. */
const AT_ONCE = 2

/** Chooses faults by the seed, at moments that come by chance, and heals them all. */
export class Nemesis {
  readonly records: FaultRecord[] = []
  readonly #topology: Topology
  readonly #random: SeededRandom
  readonly #meanGapMs: number
  readonly #faults: readonly Fault[]
  readonly #say: (line: string) => void
  /** Targets of faults that last. */
  readonly #busy = new Map<string, Promise<void>>()

  constructor(options: {
    readonly topology: Topology
    readonly random: SeededRandom
    readonly meanGapMs: number
    readonly weights?: Readonly<Record<string, number>> | undefined
    readonly say: (line: string) => void
  }) {
    this.#topology = options.topology
    this.#random = options.random
    this.#meanGapMs = options.meanGapMs
    this.#say = options.say
    const { weights } = options
    this.#faults = makeFaults()
      .map((fault) => (weights ? { ...fault, weight: weights[fault.kind] ?? 0 } : fault))
      .filter(({ weight }) => weight > 0)
  }

  /** Goes on until the signal; when it resolves, nothing is broken any more. */
  async run(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      const gap = this.#random.exponential(this.#meanGapMs)
      await sleep(gap, undefined, { signal: until }).catch(() => undefined)
      if (!until.aborted && this.#faults.length > 0) await this.#strike(until)
    }
    await Promise.all(this.#busy.values())
    this.#topology.links.healAll()
    for (const one of this.#topology.processes) one.resume()
  }

  async #strike(until: AbortSignal): Promise<void> {
    const fault = this.#random.pickWeighted(this.#faults)
    const targets = fault.targets(this.#topology).filter((target) => !this.#busy.has(target))
    if (targets.length === 0 || (fault.lasts && this.#busy.size >= AT_ONCE)) return
    const target = this.#random.pick(targets)
    const at = machineMs()
    const random = this.#random.fork(`${fault.kind} ${this.records.length}`)
    const heal = fault.strike({ topology: this.#topology, target, random, until })
    const task = heal.then(
      (struck) => {
        if (struck) this.records.push({ kind: fault.kind, target, at, healedAt: machineMs() })
      },
      (error: unknown) => this.#say(`${fault.kind} ${target}: ${String(error)}`),
    )
    if (!fault.lasts) {
      await task
      return
    }
    this.#busy.set(target, task)
    void task.finally(() => this.#busy.delete(target))
  }
}
