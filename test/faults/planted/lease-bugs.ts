import { COUNTS, type PlantedBug } from './planted-bug.ts'

/** Jobs that are still there when somebody else has long been given them. */
const LONG_JOBS = {
  quiescenceMs: 90_000,
  counts: COUNTS,
  slots: 6,
  maxOpenPipelines: 4,
  load: { jobSeconds: [35, 36], quiet: 1, pushGapMs: 200 },
} as const

/** So long: past every lease, and the start of another attempt on a busy machine. */
const PAST_LEASES = { afterMs: 30_000 } as const

/** A runner that works, and does not hear of its dispatcher for so long. */
const STALLED_RUNNER: PlantedBug['run'] = {
  ...LONG_JOBS,
  script: [
    {
      when: { runningOn: 'runner-1' },
      kind: 'stall-link',
      target: 'runner-1→dispatcher-1',
      until: PAST_LEASES,
    },
  ],
}

/** Mistakes about the time for which somebody has the right to something. */
export const LEASE_BUGS: readonly PlantedBug[] = [
  {
    name: 'lost-too-early',
    mistake:
      'the dispatcher gives a runner a sixth of the time that the runner takes itself to have',
    edits: [
      {
        file: 'src/dispatcher/attempts/attempt-run.ts',
        find: 'leaseMs: deps.leaseMs ?? LEASE_MS,',
        replace: 'leaseMs: LEASE_MS / 6,',
      },
    ],
    leaseMs: 24_000,
    breaks: ['overlap'],
    run: STALLED_RUNNER,
  },
  {
    name: 'goes-on',
    mistake: 'a runner goes on when its lease is over, and no watchdog ends what runs',
    edits: [
      {
        file: 'src/runner/lease/lease-keeper.ts',
        find: `if (state === 'expired') this.#pause()
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
    run: STALLED_RUNNER,
  },
  {
    name: 'seat-for-ever',
    mistake: 'a dispatcher confirms leases although it could not renew its seat',
    edits: [
      {
        file: 'src/dispatcher/seat/heartbeat-thread.ts',
        find: 'return !ended.signal.aborted && age < BigInt(SEAT_MS)',
        replace: 'return !ended.signal.aborted',
      },
      {
        file: 'src/dispatcher/seat/ownership.ts',
        find: 'return performance.now() - known.at < SEAT_MS',
        replace: 'return true',
      },
    ],
    breaks: ['overlap'],
    run: {
      ...LONG_JOBS,
      counts: { ...COUNTS, dispatcher: 2 },
      script: [
        // So that all pipelines are the other one's.
        { kind: 'refuse-link', target: 'dispatcher-2→rabbitmq' },
        {
          when: { runningOn: 'runner-1' },
          kind: 'stall-link',
          target: 'runner-1→dispatcher-2',
          until: PAST_LEASES,
        },
        { kind: 'refuse-link', target: 'dispatcher-1→postgres', until: PAST_LEASES },
      ],
    },
  },
]
