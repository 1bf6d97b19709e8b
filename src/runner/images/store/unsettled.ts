import { ownProcess } from '../../../lib/process-owner.ts'

/**
 * What is made has its name as soon as it is whole: nobody waits for the disk. Until it is certainly there, its record
 * says in which boot of the machine it was made. In another one it counts for nothing: the machine may have lost
 * power, and parts of it with that.
 */
export interface Unsettled {
  /** The boot; absent: it is on disk. */
  readonly madeIn?: string
}

export function madeNow(): Required<Unsettled> {
  return { madeIn: ownProcess().boot }
}

/** Whether it can be relied on in this boot. */
export function isThere({ madeIn }: Unsettled): boolean {
  return madeIn === undefined || madeIn === ownProcess().boot
}
