import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRecord } from './evidence.ts'
import { makeFaults } from './faults.ts'
import { machineMs } from './machine-clock.ts'
import type { ScriptedFault } from './options.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Topology } from './topology.ts'

/** Makes the faults of a script, each at its moment, and heals them all. */
export class ScriptedNemesis {
  readonly records: FaultRecord[] = []
  readonly #topology: Topology
  readonly #script: readonly ScriptedFault[]
  readonly #random: SeededRandom

  constructor(topology: Topology, script: readonly ScriptedFault[], random: SeededRandom) {
    this.#topology = topology
    this.#script = script
    this.#random = random
  }

  /** Goes on until the signal; when it resolves, nothing is broken any more. */
  async run(until: AbortSignal): Promise<void> {
    await Promise.all(this.#script.map((fault) => this.#strike(fault, until)))
    this.#topology.links.healAll()
    for (const one of this.#topology.processes) one.resume()
  }

  async #strike({ afterMs, kind, target, lastsMs }: ScriptedFault, until: AbortSignal) {
    await sleep(afterMs, undefined, { signal: until }).catch(() => undefined)
    if (until.aborted) return
    const fault = makeFaults().find((one) => one.kind === kind)
    if (!fault?.targets(this.#topology).includes(target)) {
      throw new RangeError(`there is no ${kind} for ${target}`)
    }
    const at = machineMs()
    const random = this.#random.fork(`${kind} ${afterMs}`)
    const struck = await fault.strike({ topology: this.#topology, target, random, lastsMs, until })
    if (struck) this.records.push({ kind, target, at, healedAt: machineMs() })
  }
}
