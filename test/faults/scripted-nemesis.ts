import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRecord } from './evidence.ts'
import { makeFaults } from './faults.ts'
import { machineMs } from './machine-clock.ts'
import type { FaultScript, ScriptedFault } from './options.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Topology } from './topology.ts'

const POLL_MS = 50

/** Makes the faults of a script, each at its moment, and heals them all. */
export class ScriptedNemesis {
  readonly records: FaultRecord[] = []
  readonly #topology: Topology
  readonly #script: FaultScript
  readonly #random: SeededRandom

  constructor(topology: Topology, script: FaultScript, random: SeededRandom) {
    this.#topology = topology
    this.#script = script
    this.#random = random
  }

  /** Goes on until the end of the script, or the signal; when it resolves, nothing is broken any more. */
  async run(until: AbortSignal): Promise<void> {
    const { afterSteps, faults } = this.#script
    // Each step has a file of its own there.
    while ((await readdir(this.#topology.witnessFolder)).length < afterSteps) {
      await wait(POLL_MS, until)
      if (until.aborted) return
    }
    await Promise.all(faults.map((fault) => this.#strike(fault, until)))
    this.#topology.links.healAll()
    for (const one of this.#topology.processes) one.resume()
  }

  async #strike({ afterMs, kind, target, lastsMs }: ScriptedFault, until: AbortSignal) {
    await wait(afterMs, until)
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

async function wait(ms: number, until: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: until }).catch(() => undefined)
}
