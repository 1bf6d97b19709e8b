import type { Edit } from './edit.ts'
import { INTAKE_BUGS } from './intake-bugs.ts'
import { LEASE_BUGS } from './lease-bugs.ts'
import type { PlantedBug } from './planted-bug.ts'
import { RECORD_BUGS } from './record-bugs.ts'

/** All eleven; those that take longest come first. */
export const BUGS: readonly PlantedBug[] = [...LEASE_BUGS, ...RECORD_BUGS, ...INTAKE_BUGS]

/** About half the usual times, so that what takes a lease or a seat's end is seen soon. */
export function shortTimes(leaseMs = 6_000): readonly Edit[] {
  return [
    { find: 'LEASE_MS = 10_000', replace: `LEASE_MS = ${leaseMs}` },
    { find: 'HEARTBEAT_MS = 2_000', replace: 'HEARTBEAT_MS = 1_000' },
    { find: 'LEASE_MARGIN_MS = 3_000', replace: 'LEASE_MARGIN_MS = 2_000' },
    { find: 'SEAT_MS = 3_000', replace: 'SEAT_MS = 2_000' },
    { find: 'SEAT_BEAT_MS = 500', replace: 'SEAT_BEAT_MS = 300' },
  ].map((edit) => ({ file: 'src/core/attempt/lease.ts', ...edit }))
}
