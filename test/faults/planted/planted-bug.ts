import type { PromiseName } from '../check/breach.ts'
import type { FaultsOptions } from '../options.ts'
import type { Edit } from './edit.ts'

/** A mistake that somebody could make, and the run that must catch it. */
export interface PlantedBug {
  readonly name: string
  /** The mistake, in words. */
  readonly mistake: string
  readonly edits: readonly Edit[]
  /** It is caught when one of these promises is broken. */
  readonly breaks: readonly PromiseName[]
  /** Only the load and the faults that expose it. */
  readonly run: Partial<FaultsOptions> & Pick<FaultsOptions, 'script'>
}

/** One process of each kind, but two runners that reach every dispatcher by a link of their own. */
export const COUNTS = { agent: 1, dispatcher: 1, runner: 2, web: 0 } as const
