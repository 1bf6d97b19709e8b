import { COUNTS, type PlantedBug } from './planted-bug.ts'

/** Mistakes about the time for which somebody has the right to something. */
export const LEASE_BUGS: readonly PlantedBug[] = [
  {
    name: 'lost-too-early',
    mistake:
      'the dispatcher gives a runner a third of the time that the runner takes itself to have',
    edits: [
      {
        file: 'src/dispatcher/attempt-run.ts',
        find: 'leaseMs: deps.order.leaseMs ?? LEASE_MS,',
        replace: 'leaseMs: LEASE_MS / 3,',
      },
    ],
    breaks: ['overlap'],
    run: {
      quiescenceMs: 30_000,
      counts: COUNTS,
      slots: 6,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [7, 8],
        mostJobs: 1,
        quiet: 1,
        pushGapMs: 200,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 3,
        faults: [
          { afterMs: 300, kind: 'stall-link', target: 'runner-1→dispatcher-1', lastsMs: 5_500 },
        ],
      },
    },
  },
  {
    name: 'goes-on',
    mistake: 'a runner goes on when its lease is over, and no watchdog ends what runs',
    edits: [
      {
        file: 'src/runner/lease-keeper.ts',
        find: `if (state === 'over') this.#hold()
    return state === 'confirmed'`,
        replace: "return state !== 'unconfirmed'",
      },
      {
        file: 'src/runner/watchdog/watched-executor.ts',
        find: 'keepUntil(atMs: number): void {',
        replace: 'keepUntil(atMs: number): void {\n    return',
      },
    ],
    breaks: ['overlap'],
    run: {
      quiescenceMs: 30_000,
      counts: COUNTS,
      slots: 6,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [12, 13],
        mostJobs: 1,
        quiet: 1,
        pushGapMs: 200,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 3,
        faults: [
          { afterMs: 300, kind: 'stall-link', target: 'runner-1→dispatcher-1', lastsMs: 8_500 },
        ],
      },
    },
  },
  {
    name: 'seat-for-ever',
    mistake: 'a dispatcher confirms leases although it could not renew its seat',
    edits: [
      {
        file: 'src/dispatcher/beat-thread.ts',
        find: 'return !ended.signal.aborted && age < BigInt(SEAT_MS)',
        replace: 'return !ended.signal.aborted',
      },
      {
        file: 'src/dispatcher/ownership.ts',
        find: 'return performance.now() - known.at < SEAT_MS',
        replace: 'return true',
      },
    ],
    breaks: ['overlap'],
    run: {
      quiescenceMs: 35_000,
      counts: { ...COUNTS, dispatcher: 2 },
      slots: 6,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [14, 15],
        mostJobs: 1,
        quiet: 1,
        pushGapMs: 200,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 4,
        faults: [
          { afterMs: 300, kind: 'refuse-link', target: 'dispatcher-1→postgres', lastsMs: 11_000 },
          { afterMs: 300, kind: 'stall-link', target: 'runner-1→dispatcher-2', lastsMs: 11_000 },
        ],
      },
    },
  },
]
