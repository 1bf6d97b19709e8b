import { COUNTS, type PlantedBug } from './planted-bug.ts'

/** Mistakes on the way of a commit to its pipeline. */
export const INTAKE_BUGS: readonly PlantedBug[] = [
  {
    name: 'answers-first',
    mistake: 'a webhook is answered, and its commit written half a second later with others',
    edits: [
      {
        file: 'src/agent/intake.ts',
        find: 'return this.#deliveries.add(delivery)',
        replace: `setTimeout(() => void this.#deliveries.add(delivery).catch(() => {}), 500)
    return Promise.resolve({ status: 'accepted', eventId: newId('event') })`,
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
]
