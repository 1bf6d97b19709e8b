import { COUNTS, type PlantedBug } from './planted-bug.ts'

/** Mistakes about what is written, and who may write it. */
export const RECORD_BUGS: readonly PlantedBug[] = [
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
        file: 'src/store/sql/pipelines/jobs.ts',
        find: ".where('version', '=', former)",
        replace: '',
      },
      {
        file: 'src/store/sql/pipelines/pipelines.ts',
        find: ".where('version', '=', former)",
        replace: '',
      },
    ],
    breaks: ['transitions', 'revivals', 'fences', 'overlap'],
    run: {
      quiescenceMs: 25_000,
      counts: { ...COUNTS, dispatcher: 2 },
      slots: 6,
      maxOpenPipelines: 6,
      // Without lines, so that the first write that waits is about the job.
      load: { jobSeconds: [3, 4], twoSteps: 1, mostLines: 0, pushGapMs: 200 },
      script: [
        // So that all pipelines are the other one's.
        { kind: 'refuse-link', target: 'dispatcher-2→rabbitmq' },
        // What it was about to write comes when its successor has ended the jobs.
        {
          when: { more: { begun: 3 } },
          kind: 'stall-link',
          target: 'dispatcher-1→postgres',
          until: { more: { ended: 2 } },
        },
      ],
    },
  },
  {
    name: 'same-fence',
    mistake: 'the next attempt of a job gets the fencing token of the one before',
    edits: [
      {
        file: 'src/core/attempt/attempt-changes.ts',
        find: 'const fence = job.fence + 1',
        replace: 'const fence = Math.max(1, job.fence)',
      },
    ],
    breaks: ['fences'],
    run: {
      quiescenceMs: 25_000,
      counts: COUNTS,
      maxOpenPipelines: 4,
      load: { jobSeconds: [2, 3], pushGapMs: 200 },
      script: ['runner-1', 'runner-2'].map((name) => {
        return { when: { runningOn: name }, kind: 'kill-runner', target: name }
      }),
    },
  },
  {
    name: 'acknowledges-first',
    mistake: 'events are acknowledged before they are stored, and nobody looks for holes',
    edits: [
      {
        file: 'src/dispatcher/attempts/attempt-run.ts',
        find: 'await this.#deps.store(events)',
        replace: 'void this.#deps.store(events).catch(() => {})',
      },
      {
        file: 'src/core/attempt/add-progress.ts',
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
      load: { jobSeconds: [5, 6], quiet: 0, pushGapMs: 200 },
      script: [
        { when: { more: { begun: 4 } }, kind: 'stall-link', target: 'dispatcher-1→postgres' },
        // Meanwhile each job has said more, and its runner was told that this is safe.
        { when: { afterMs: 2_500 }, kind: 'kill-dispatcher', target: 'dispatcher-1' },
      ],
    },
  },
  {
    name: 'cancel-in-memory',
    mistake: 'a cancel is answered and acted upon, but not written',
    edits: [
      {
        file: 'src/dispatcher/pipelines/pipeline-run.ts',
        find: 'await this.ledger.change((draft) => withCancel(',
        replace: 'await this.ledger.keep((draft) => withCancel(',
      },
      {
        file: 'src/dispatcher/ledger/pipeline-ledger.ts',
        find: '  async change(\n    compute',
        replace: `  keep(compute) {
    return this.#serial.run(async () => {
      const before = this.#draft
      this.#draft = compute(before)
      return this.#draft !== before
    })
  }

  async change(
    compute`,
      },
    ],
    breaks: ['revivals'],
    run: {
      quiescenceMs: 4_000,
      counts: { ...COUNTS, runner: 1 },
      slots: 1,
      maxOpenPipelines: 6,
      // All but one wait in the queue: no runner reports their end, which would be written.
      load: { jobSeconds: [4, 5], cancelled: 1, cancelWithinMs: 500, pushGapMs: 200 },
      script: [
        { when: { more: { cancelled: 3 } }, kind: 'kill-dispatcher', target: 'dispatcher-1' },
      ],
    },
  },
]
