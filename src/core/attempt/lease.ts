/**
 * The right to run an attempt. A runner has it for `LEASE_MS` from the moment at which it sent a
 * heartbeat that its dispatcher has answered; the dispatcher takes the job away at the earliest
 * `LEASE_MS` after it last answered, which is later. Each side uses its own clock for its own part,
 * so that no two clocks are ever compared.
 */
export const LEASE_MS = 10_000

/** How often a runner asks for its leases to be extended. */
export const HEARTBEAT_MS = 2_000

/** So long before its end a runner stops what runs under a lease: stopping takes a while itself. */
export const LEASE_MARGIN_MS = 3_000

/**
 * How long a runner keeps an attempt stopped in its place, waiting for a dispatcher that lets it go
 * on; after that it ends the attempt and keeps only its report.
 */
export const ORPHAN_MS = 1_800_000

/**
 * How long a dispatcher's seat lasts without a beat, as the others observe it; the pipelines of one
 * that is silent for so long are taken over.
 */
export const SEAT_MS = 3_000

/** How often a dispatcher beats, and looks at the beats of the others. */
export const SEAT_BEAT_MS = 500
