import { COUNTS, type PlantedBug } from './planted-bug.ts'

/** Many short jobs on one runner, pushed fast, whatever became of those before. */
const FLOOD = {
  counts: { ...COUNTS, runner: 1 },
  slots: 4,
  maxOpenPipelines: 12,
  load: { jobSeconds: [0.2, 0.5], pushGapMs: 250 },
} as const

/** Mistakes on the way of a commit to its pipeline. */
export const INTAKE_BUGS: readonly PlantedBug[] = [
  {
    name: 'answers-first',
    mistake: 'a webhook is answered, and its commit written a second later',
    edits: [
      {
        file: 'src/agent/intake.ts',
        find: 'const answer = await this.#deliveries.add(delivery)',
        replace: `setTimeout(() => void this.#deliveries.add(delivery).catch(() => {}), 1_000)
    if (delivery) return { status: 'accepted', eventId: 'event_unwritten' }
    const answer = await this.#deliveries.add(delivery)`,
      },
    ],
    breaks: ['lost'],
    run: {
      ...FLOOD,
      quiescenceMs: 6_000,
      // Whoever has just answered dies, more than once.
      script: [1, 2, 3].map(() => {
        return { when: { more: { acked: 1 } }, kind: 'kill-agent', target: 'agent-1' }
      }),
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
      ...FLOOD,
      quiescenceMs: 8_000,
      script: [
        // Nobody takes anything from the queue, until it is gone with what is in it.
        { kind: 'refuse-link', target: 'dispatcher-1→rabbitmq' },
        { when: { more: { acked: 4 } }, kind: 'delete-queues', target: 'rabbitmq', until: {} },
      ],
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
      ...FLOOD,
      quiescenceMs: 20_000,
      counts: { ...COUNTS, agent: 2, runner: 1 },
      load: { ...FLOOD.load, replayed: 1, replayWithinMs: 500 },
      script: [{ when: { more: { acked: 4 } }, kind: 'kill-agent', target: 'agent-1' }],
    },
  },
  {
    name: 'once-for-all',
    mistake: 'a branch that is pushed back to a commit is taken for what was told of that before',
    edits: [
      {
        file: 'src/core/moves/match-telling.ts',
        find: 'const vague = mayBe.findLast(',
        replace: `const [former] = here
  if (former) return { kind: 'same', event: former }
  const vague = mayBe.findLast(`,
      },
    ],
    breaks: ['lost'],
    run: {
      ...FLOOD,
      quiescenceMs: 8_000,
      load: { ...FLOOD.load, pushedBack: 1 },
      script: [{ when: { more: { acked: 6 } }, kind: 'kill-agent', target: 'agent-1' }],
    },
  },
]
