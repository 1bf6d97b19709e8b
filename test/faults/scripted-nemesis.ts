import type { FaultRecord } from './evidence.ts'
import { makeFaults } from './faults.ts'
import { machineMs } from './machine-clock.ts'
import type { Moments } from './moments.ts'
import type { FaultScript, ScriptedFault } from './script.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Topology } from './topology.ts'

/** Longer than any run. */
const FOR_EVER_MS = 2 ** 31 - 1

interface Parts {
  readonly topology: Topology
  readonly script: FaultScript
  readonly moments: Moments
  readonly random: SeededRandom
}

/** Makes the faults of a script, one after the other, and heals them all. */
export class ScriptedNemesis {
  readonly records: FaultRecord[] = []
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Goes on until the end of the script, or the signal; when it resolves, nothing is broken any more. */
  async run(until: AbortSignal): Promise<void> {
    const { topology, script, moments } = this.#parts
    const over = new AbortController()
    const end = AbortSignal.any([until, over.signal])
    /** Of faults that end by themselves, and of those that end with the script. */
    const [own, others]: [Promise<void>[], Promise<void>[]] = [[], []]
    for (const fault of script) {
      if (fault.when) await moments.wait(fault.when, end)
      if (until.aborted) break
      const made = this.#make(fault, end)
      // A failure is told where it is awaited.
      made.catch(() => undefined)
      if (fault.until) own.push(made)
      else if (this.#find(fault).lasts) others.push(made)
      else await made
    }
    await Promise.all(own)
    over.abort()
    await Promise.all(others)
    topology.links.healAll()
    for (const one of topology.processes) one.resume()
  }

  async #make(scripted: ScriptedFault, end: AbortSignal): Promise<void> {
    const { topology, moments, random } = this.#parts
    const { kind, target } = scripted
    const healed = new AbortController()
    const at = machineMs()
    const [struck] = await Promise.all([
      this.#find(scripted).strike({
        topology,
        target,
        random: random.fork(`${kind} ${this.records.length}`),
        lastsMs: FOR_EVER_MS,
        until: AbortSignal.any([end, healed.signal]),
      }),
      scripted.until && moments.wait(scripted.until, end).finally(() => healed.abort()),
    ])
    if (struck) this.records.push({ kind, target, at, healedAt: machineMs() })
  }

  #find({ kind, target }: ScriptedFault) {
    const fault = makeFaults().find((one) => one.kind === kind)
    if (!fault?.targets(this.#parts.topology).includes(target)) {
      throw new RangeError(`there is no ${kind} for ${target}`)
    }
    return fault
  }
}
