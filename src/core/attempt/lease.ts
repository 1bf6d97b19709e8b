/**
 * The right to run an attempt. A runner holds it for `LEASE_MS` from when it sent a heartbeat that its
 * dispatcher answered; the dispatcher takes the job away no earlier than `LEASE_MS` after its last answer,
 * which is later. Each side uses its own clock for its own part, so no two clocks are ever compared.
 */
export const LEASE_MS = 10_000

/** How often a runner renews its leases. */
export const HEARTBEAT_MS = 2_000

/** How long before a lease expires the runner stops what runs under it: stopping takes time. */
export const LEASE_MARGIN_MS = 3_000

/**
 * How long a runner keeps an attempt paused, waiting for a dispatcher to resume it; then it ends the attempt
 * and keeps only its report.
 */
export const ORPHAN_MS = 1_800_000

/**
 * How long a dispatcher's seat lasts without a heartbeat, as the others observe it; then its pipelines are
 * taken over.
 */
export const SEAT_MS = 3_000

/** How often a dispatcher sends a heartbeat and checks those of the others. */
export const SEAT_BEAT_MS = 500
