import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Evidence } from './evidence.ts'
import type { Happening, Moment } from './script.ts'
import { readWitness } from './witness.ts'

/** What was seen of a run so far; the arrays grow. */
export type SeenSoFar = Pick<Evidence, 'deliveries' | 'cancels' | 'changes'> & {
  readonly witnessFolder: string
}

/** Short against all that is to be caught by it. */
const POLL_MS = 20

/** Waits for moments of one run. */
export class Moments {
  readonly #seen: SeenSoFar

  constructor(seen: SeenSoFar) {
    this.#seen = seen
  }

  /** Resolves when the moment has come, seen from now, or with the signal. */
  async wait({ more = {}, runningOn, afterMs = 0 }: Moment, signal: AbortSignal): Promise<void> {
    const wanted = Object.entries(more) as [Happening, number][]
    const due = await Promise.all(
      wanted.map(async ([what, count]) => [what, (await this.#count(what)) + count] as const),
    )
    const isThere = async (): Promise<boolean> => {
      for (const [what, count] of due) if ((await this.#count(what)) < count) return false
      return runningOn === undefined || (await this.#isRunningOn(runningOn))
    }
    while (!signal.aborted && !(await isThere())) await pause(POLL_MS, signal)
    await pause(afterMs, signal)
  }

  async #count(what: Happening): Promise<number> {
    const { deliveries, cancels, changes, witnessFolder } = this.#seen
    switch (what) {
      case 'begun':
        // Each step has a file of its own there.
        return (await readdir(witnessFolder)).length
      case 'acked':
        return countIds(deliveries.filter(({ result }) => result === 'acked').map(({ sha }) => sha))
      case 'cancelled':
        return countIds(cancels.filter(({ result }) => result === 'acked').map(({ id }) => id))
      case 'ended':
        return countIds(changes.filter(isPipelinesEnd).map(({ id }) => id))
    }
  }

  async #isRunningOn(name: string): Promise<boolean> {
    const runs = await readWitness(this.#seen.witnessFolder)
    return runs.some(({ runner, ended }) => runner === name && !ended)
  }
}

function isPipelinesEnd({ kind, status }: Evidence['changes'][number]): boolean {
  return kind === 'pipeline' && status === 'finished'
}

function countIds(ids: readonly string[]): number {
  return new Set(ids).size
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined)
}
