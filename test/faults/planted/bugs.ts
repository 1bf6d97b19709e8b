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

/** Half the usual times, so that what takes a lease or a seat's end is seen soon. */
export const SHORT_LEASES: readonly Edit[] = [
  { find: 'LEASE_MS = 10_000', replace: 'LEASE_MS = 6_000' },
  { find: 'HEARTBEAT_MS = 2_000', replace: 'HEARTBEAT_MS = 1_000' },
  { find: 'LEASE_MARGIN_MS = 3_000', replace: 'LEASE_MARGIN_MS = 2_000' },
  { find: 'SEAT_MS = 3_000', replace: 'SEAT_MS = 2_000' },
  { find: 'SEAT_BEAT_MS = 500', replace: 'SEAT_BEAT_MS = 300' },
].map((edit) => ({ file: 'src/core/lease.ts', ...edit }))

/** One process of each kind, but two runners that reach every dispatcher by a link of their own. */
const COUNTS = { agent: 1, dispatcher: 1, runner: 2, web: 0 } as const

export const BUGS: readonly PlantedBug[] = [
  {
    name: 'answers-first',
    mistake: 'a webhook is answered, and its commit written half a second later with others',
    edits: [
      {
        file: 'src/agent/intake.ts',
        find: '  async acceptDelivery(',
        replace: `  async acceptDelivery(event, delivery, forgeId) {
    setTimeout(() => void this.acceptLater(event, delivery, forgeId).catch(() => {}), 500)
    return { eventId: newId('event'), created: true }
  }

  async acceptLater(`,
      },
    ],
    breaks: ['lost'],
    run: {
      quiescenceMs: 6_000,
      counts: { ...COUNTS, runner: 1 },
      slots: 4,
      maxOpenPipelines: 12,
      load: {
        jobSeconds: [0.2, 0.5],
        mostJobs: 1,
        pushGapMs: 150,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 1,
        faults: [1_000, 4_500].map((afterMs) => {
          return { afterMs, kind: 'kill-agent', target: 'agent-1' }
        }),
      },
    },
  },
  {
    name: 'no-sweep',
    mistake: 'nobody publishes again what the queue has lost',
    edits: [
      {
        file: 'src/agent/sweep.ts',
        find: 'for (const id of queued) this.#publish(id)',
        replace: 'void queued',
      },
    ],
    breaks: ['lost'],
    run: {
      quiescenceMs: 12_000,
      counts: { ...COUNTS, runner: 1 },
      slots: 4,
      maxOpenPipelines: 12,
      load: {
        jobSeconds: [0.2, 0.5],
        mostJobs: 1,
        pushGapMs: 150,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 1,
        faults: [
          { afterMs: 0, kind: 'kill-dispatcher', target: 'dispatcher-1' },
          { afterMs: 900, kind: 'kill-dispatcher', target: 'dispatcher-1' },
          { afterMs: 1_200, kind: 'delete-queues', target: 'rabbitmq' },
        ],
      },
    },
  },
  {
    name: 'every-report-counts',
    mistake: 'a commit that is told of again is a new event',
    edits: [
      {
        file: 'src/core/commit-event.ts',
        find: "return event.kind === 'manual' ?",
        replace: 'return event.id ?',
      },
    ],
    breaks: ['duplicated'],
    run: {
      quiescenceMs: 20_000,
      counts: { ...COUNTS, agent: 2, runner: 1 },
      slots: 4,
      maxOpenPipelines: 12,
      load: {
        jobSeconds: [0.2, 0.5],
        mostJobs: 1,
        pushGapMs: 200,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 8,
        faults: [{ afterMs: 0, kind: 'kill-agent', target: 'agent-1' }],
      },
    },
  },
  {
    name: 'no-guard',
    mistake: 'a dispatcher writes without a look at its term and the version of what it has read',
    edits: [
      {
        file: 'src/store/sql/dispatchers.ts',
        find: 'if (row?.dispatcher_id === by && row.term === term) return',
        replace: 'return',
      },
      {
        file: 'src/store/sql/jobs.ts',
        find: ".where('version', '=', job.version)",
        replace: '',
      },
      {
        file: 'src/store/sql/pipelines.ts',
        find: ".where('version', '=', pipeline.version)",
        replace: '',
      },
    ],
    breaks: ['transitions', 'revivals', 'attempt-ends', 'fences', 'overlap'],
    run: {
      quiescenceMs: 25_000,
      counts: { ...COUNTS, dispatcher: 2 },
      slots: 1,
      maxOpenPipelines: 6,
      load: {
        jobSeconds: [1, 2],
        mostJobs: 3,
        pushGapMs: 300,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 3,
        faults: [
          { afterMs: 0, kind: 'pause-dispatcher', target: 'dispatcher-1', lastsMs: 4_500 },
          { afterMs: 6_500, kind: 'pause-dispatcher', target: 'dispatcher-2', lastsMs: 4_500 },
        ],
      },
    },
  },
  {
    name: 'same-fence',
    mistake: 'the next attempt of a job gets the fencing token of the one before',
    edits: [
      {
        file: 'src/dispatcher/attempt-changes.ts',
        find: 'const fence = job.fence + 1',
        replace: 'const fence = Math.max(1, job.fence)',
      },
    ],
    breaks: ['fences'],
    run: {
      quiescenceMs: 25_000,
      counts: COUNTS,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [3, 5],
        mostJobs: 1,
        pushGapMs: 200,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 3,
        faults: [
          { afterMs: 300, kind: 'kill-runner', target: 'runner-1' },
          { afterMs: 600, kind: 'kill-runner', target: 'runner-2' },
        ],
      },
    },
  },
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
      slots: 3,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [7, 8],
        mostJobs: 1,
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
      slots: 3,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [12, 13],
        mostJobs: 1,
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
      slots: 3,
      maxOpenPipelines: 4,
      load: {
        jobSeconds: [14, 15],
        mostJobs: 1,
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
  {
    name: 'acknowledges-first',
    mistake: 'events are acknowledged before they are stored, and nobody looks for holes',
    edits: [
      {
        file: 'src/dispatcher/attempt-run.ts',
        find: 'await this.#deps.store(events, this.#clockOffsetMs ?? 0)',
        replace: `this.#requests.push(acknowledgeRequest(Number(events.at(-1)?.seq ?? 0)))
      await this.#deps.store(events, this.#clockOffsetMs ?? 0)`,
      },
      {
        file: 'src/dispatcher/attempt-progress.ts',
        find: 'if (seq !== next.lastSeq + 1) {',
        replace: 'if (false) {',
      },
    ],
    breaks: ['logs'],
    run: {
      quiescenceMs: 30_000,
      counts: COUNTS,
      slots: 4,
      maxOpenPipelines: 5,
      load: {
        jobSeconds: [5, 6],
        mostJobs: 1,
        pushGapMs: 200,
        cancelled: 0,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 4,
        faults: [
          { afterMs: 500, kind: 'stall-link', target: 'dispatcher-1→postgres', lastsMs: 1_200 },
          { afterMs: 1_300, kind: 'kill-dispatcher', target: 'dispatcher-1' },
        ],
      },
    },
  },
  {
    name: 'cancel-in-memory',
    mistake: 'a cancel is answered and acted upon, but not written',
    edits: [
      {
        file: 'src/dispatcher/pipeline-run.ts',
        find: "const changed = await this.#ledger.change((draft) => {\n      if (draft.pipeline.state.status === 'pending') {",
        replace:
          "const changed = await this.#ledger.keep((draft) => {\n      if (draft.pipeline.state.status === 'pending') {",
      },
      {
        file: 'src/dispatcher/pipeline-ledger.ts',
        find: '  change(\n    compute',
        replace: `  keep(compute) {
    return this.#serial.run(async () => {
      const before = this.#draft
      this.#draft = compute(before)
      return this.#draft !== before
    })
  }

  change(
    compute`,
      },
    ],
    breaks: ['revivals'],
    run: {
      quiescenceMs: 12_000,
      counts: COUNTS,
      maxOpenPipelines: 5,
      load: {
        jobSeconds: [2, 3],
        mostJobs: 2,
        pushGapMs: 200,
        cancelled: 1,
        cancelWithinMs: 3_000,
        replayWithinMs: 2_000,
      },
      script: {
        afterSteps: 0,
        faults: [{ afterMs: 4_500, kind: 'kill-dispatcher', target: 'dispatcher-1' }],
      },
    },
  },
]
