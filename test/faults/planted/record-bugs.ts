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
    breaks: ['transitions', 'revivals', 'fences', 'overlap'],
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
          { afterMs: 0, kind: 'refuse-link', target: 'dispatcher-1→postgres', lastsMs: 6_000 },
          { afterMs: 8_000, kind: 'refuse-link', target: 'dispatcher-2→postgres', lastsMs: 6_000 },
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
