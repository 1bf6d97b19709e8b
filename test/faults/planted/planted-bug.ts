import type { PromiseName } from '../check/breach.ts'
import type { FaultsOptions } from '../options.ts'
import type { Edit } from './edit.ts'

/** A mistake that somebody could make, and the run that must catch it. */
export interface PlantedBug {
  readonly name: string
  /** The mistake, in words. */
  readonly mistake: string
  readonly edits: readonly Edit[]
  /** How long a lease lasts in its run, in milliseconds; 6,000 unless told. */
  readonly leaseMs?: number
  /** It is caught when one of these promises is broken. */
  readonly breaks: readonly PromiseName[]
  /**
   * Only the load and the faults that expose it, at moments at which they surely do, however busy the
   * machine is. Unless told, a commit has one job, and is told of once and never cancelled.
   */
  readonly run: Partial<FaultsOptions> & Pick<FaultsOptions, 'script' | 'load' | 'counts'>
}

/** One process of each kind, but two runners that reach every dispatcher by a link of their own. */
export const COUNTS = { agent: 1, dispatcher: 1, runner: 2, web: 0 } as const
