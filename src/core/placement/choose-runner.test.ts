import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { present } from '../../lib/present.ts'
import { chooseRunner } from './choose-runner.ts'
import { describeWaiting } from './describe-waiting.ts'
import type { Candidate, WaitingJob } from './placement.ts'
import { HEURISTICS } from './placement.ts'

const context = { now: 0, random: () => 0, turn: 0 }

function runner(name: string, parts: Partial<Candidate> = {}): Candidate {
  return {
    runnerId: `runner_${name}`,
    name,
    labels: [],
    engines: ['docker'],
    slots: 2,
    busy: 0,
    load: 0,
    state: 'online',
    ...parts,
  }
}

function job(parts: Partial<WaitingJob> = {}): WaitingJob {
  return {
    jobId: 'job_1',
    repositoryId: 'repo_1',
    labels: [],
    queuedAt: 0,
    followers: 0,
    priority: 0,
    avoid: [],
    ...parts,
  }
}

const choose = (what: WaitingJob, candidates: readonly Candidate[]) =>
  chooseRunner(what, candidates, 'least-loaded', context)

/** Why a job waits, in words. */
function wordsOf(choice: ReturnType<typeof chooseRunner>): string {
  assert.ok(!('runnerId' in choice), 'it does not wait')
  return describeWaiting(choice)
}

const full = { busy: 2 }
const gpu = { labels: ['gpu'] }
const plain = { engines: ['bubblewrap'] as const }

const kept: Partial<WaitingJob> = {
  secrets: [{ name: 'KEY', runners: ['runner_c', 'label:deploy'] }],
}

/** What waits, for which runners, and the words. */
const WAITING: readonly (readonly [string, Partial<WaitingJob>, Candidate[], string])[] = [
  ['none', {}, [], 'no runner is registered: start one with `narwhal runner`'],
  ['a label', gpu, [runner('a')], 'no runner has the label gpu'],
  [
    'one label of two that are known',
    { labels: ['gpu', 'arm64'] },
    [runner('a', { labels: ['arm64'] })],
    'no runner has the label gpu',
  ],
  [
    'two labels on two runners',
    { labels: ['gpu', 'arm64'] },
    [runner('a', gpu), runner('b', { labels: ['arm64'] })],
    'no runner has all of the labels gpu and arm64',
  ],
  [
    'labels that nobody has',
    { labels: ['x', 'y', 'z'] },
    [runner('a', gpu)],
    'no runner has any of the labels x, y and z',
  ],
  [
    'a label offline',
    gpu,
    [runner('a'), runner('b', { ...gpu, state: 'offline' })],
    'the only runner with label gpu is offline: b',
  ],
  ['all away', {}, [runner('a', { state: 'draining' })], 'the only runner is draining: a'],
  [
    'several away',
    {},
    [runner('a', { state: 'set_aside' }), runner('b', { state: 'offline' })],
    'none of the 2 runners is online: 1 quarantined, 1 offline',
  ],
  ['slots', {}, [runner('a', full), runner('b', full)], 'all 4 slots of 2 runners are busy'],
  [
    'one slot',
    {},
    [runner('a', { slots: 1, busy: 1 }), runner('b', { state: 'offline' })],
    'the only slot of runner a is busy',
  ],
  [
    'slots with a label',
    gpu,
    [runner('a', { ...gpu, ...full }), runner('b', { ...gpu, ...full }), runner('c')],
    'all 4 slots of 2 runners with label gpu are busy',
  ],
  [
    'slots with an engine',
    { image: 'node:24' },
    [runner('a', full), runner('b', full), runner('c', plain)],
    'all 4 slots of 2 runners with a container engine are busy',
  ],
  [
    'slots with an engine for services',
    { containers: true },
    [runner('a', full), runner('c', plain)],
    'all 2 slots of runner a are busy',
  ],
  [
    'an engine that nobody with the labels has',
    { containers: true, ...gpu },
    [runner('a', { ...plain, ...gpu }), runner('b', { ...plain, ...gpu }), runner('c')],
    'needs a container engine, and none of the 2 runners with label gpu that are online has one: install crun and skopeo on its machine, or start Docker or Podman there',
  ],
  [
    'an engine that is away',
    { image: 'node:24' },
    [runner('a', plain), runner('b', { state: 'offline' })],
    'the only runner with a container engine is offline: b',
  ],
  [
    'a stranger’s job that nobody takes',
    { isStranger: true, labels: ['gpu'] },
    [runner('a'), runner('b', gpu)],
    "no runner with label gpu takes strangers' jobs: it needs a container engine that its --strangers names (by default oci: and docker:)",
  ],
  [
    'a stranger’s job for which there is no slot',
    { isStranger: true },
    [runner('a', { ...full, takesStrangers: true }), runner('b')],
    'all 2 slots of runner a are busy',
  ],
  [
    'a secret that is kept for others',
    kept,
    [
      runner('a', { grants: ['runner_a'] }),
      runner('b', { labels: ['deploy'], grants: ['runner_b'] }),
      runner('c', { grants: [] }),
    ],
    'no runner may have the secret KEY, which is for c, those that were granted the label deploy',
  ],
  [
    'a secret that a runner without a slot may have',
    kept,
    [runner('a'), runner('b', { ...full, grants: ['runner_b', 'label:deploy'] })],
    'all 2 slots of runner b are busy',
  ],
  [
    'two secrets that no runner may have both of',
    { secrets: [...(kept.secrets ?? []), { name: 'OTHER', runners: ['runner_a'] }] },
    [runner('a', { grants: ['runner_a'] }), runner('b', { grants: ['runner_b', 'label:deploy'] })],
    'no runner may have the secret KEY, which is for one that was removed, those that were granted the label deploy',
  ],
  ['no slots', {}, [runner('a', { slots: 0 })], 'no slots are offered by runner a'],
]

for (const [name, wanted, candidates, reason] of WAITING) {
  test(`says why a job waits: ${name}`, () => {
    assert.equal(wordsOf(choose(job(wanted), candidates)), reason)
  })
}

test('only a job that waits for a slot has the reason that some would be free for it', () => {
  const kindOf = (wanted: Partial<WaitingJob>, candidates: readonly Candidate[]) => {
    const choice = choose(job(wanted), candidates)
    return 'runnerId' in choice ? 'placed' : choice.kind
  }
  assert.equal(kindOf({}, [runner('a', full)]), 'full')
  assert.equal(kindOf({}, [runner('a', full), runner('b', { slots: 0 })]), 'full')
  assert.equal(kindOf({}, [runner('a', { slots: 0 })]), 'no_slots')
  assert.equal(kindOf({}, [runner('a', { ...full, state: 'offline' })]), 'offline')
  assert.equal(kindOf({ labels: ['gpu'] }, [runner('a', full)]), 'unknown_labels')
})

test('places a job on the best runner, and says what was against the others', () => {
  const candidates = [
    runner('offline', { state: 'offline' }),
    runner('full', full),
    runner('single', { slots: 1, busy: 1 }),
    runner('plain', plain),
    runner('none', { slots: 0 }),
    runner('unlabelled'),
    runner('busier', { ...gpu, busy: 1 }),
    runner('best', gpu),
  ].map((candidate) =>
    candidate.name === 'unlabelled' ? candidate : { ...candidate, labels: ['gpu'] },
  )
  const decision = choose(job({ ...gpu, image: 'node:24' }), candidates)
  assert.ok('runnerId' in decision)
  assert.equal(decision.runnerId, 'runner_best')
  assert.equal(decision.runnerName, 'best')
  assert.equal(decision.heuristic, 'least-loaded')
  assert.equal(decision.reason, 'least loaded of 2: 0 of 2 slots busy, machine load 0.00')
  assert.deepEqual(
    decision.considered.map(({ name, refusedBecause }) => [name, refusedBecause]),
    [
      ['offline', 'is offline'],
      ['full', 'all 2 slots are busy'],
      ['single', 'its only slot is busy'],
      ['plain', 'has no container engine'],
      ['none', 'offers no slots'],
      ['unlabelled', 'lacks label gpu'],
      ['busier', undefined],
      ['best', undefined],
    ],
  )
})

test('places a job with an image that is not to wait even where nobody has an engine for it', () => {
  const wanted = { image: 'node:24', endsWithoutEngine: true }
  const decision = choose(job(wanted), [runner('a', plain)])
  assert.ok('runnerId' in decision)
  // An engine that is away, or lacks the labels, is none.
  const away = runner('b', { state: 'offline' })
  assert.ok('runnerId' in choose(job(wanted), [runner('a', plain), away]))
  const gpuJob = job({ ...wanted, labels: ['gpu'] })
  const labelled = runner('a', { ...plain, ...gpu })
  assert.ok('runnerId' in choose(gpuJob, [labelled, runner('b')]))
})

test('places a job without an image on any engine', () => {
  assert.ok('runnerId' in choose(job(), [runner('a', plain)]))
})

const candidates = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1, maxLength: 3 }),
    labels: fc.subarray(['gpu', 'arm64']),
    engines: fc.subarray(['docker', 'bubblewrap', 'fake'] as const),
    slots: fc.nat(4),
    busy: fc.nat(5),
    load: fc.double({ min: 0, max: 3, noNaN: true }),
    state: fc.constantFrom('online', 'draining', 'offline', 'set_aside'),
  }),
  { selector: ({ name }) => name, maxLength: 6 },
)

test('never places a job where it can not run now, whatever the heuristic', () => {
  fc.assert(
    fc.property(
      candidates,
      fc.subarray(['gpu', 'arm64']),
      fc.option(fc.constant('node:24'), { nil: undefined }),
      fc.constantFrom(...HEURISTICS),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(),
      (parts, labels, image, heuristic, draw, turn) => {
        const runners = parts.map((part) => runner(part.name, part as Partial<Candidate>))
        const wanted = job({ labels, ...present({ image }) })
        const choice = chooseRunner(wanted, runners, heuristic, {
          now: 0,
          random: () => draw,
          turn,
        })
        const reason = 'runnerId' in choice ? choice.reason : describeWaiting(choice)
        assert.ok(reason.length > 0)
        const free = runners.filter(
          (one) =>
            one.state === 'online' &&
            one.busy < one.slots &&
            (image === undefined || one.engines.some((engine) => engine !== 'bubblewrap')) &&
            labels.every((label) => one.labels.includes(label)),
        )
        if ('runnerId' in choice) {
          assert.ok(free.some(({ runnerId }) => runnerId === choice.runnerId))
          assert.equal(choice.considered.length, runners.length)
        } else assert.deepEqual(free, [])
      },
    ),
  )
})

test('a runner that failed the job gets it again only when there is no other, and not at once', () => {
  const wanted = job({ avoid: [{ runnerId: runner('a').runnerId, until: 1000 }] })
  const both = [runner('a'), runner('b', { busy: 1 })]
  const at = (now: number, candidates: readonly Candidate[]) => {
    const choice = chooseRunner(wanted, candidates, 'least-loaded', { ...context, now })
    return 'runnerId' in choice ? choice.runnerName : describeWaiting(choice)
  }
  assert.equal(at(0, both), 'b')
  assert.equal(at(5000, both), 'b')
  assert.equal(at(999, [runner('a')]), 'just failed on a, and no other runner is free')
  assert.equal(at(1000, [runner('a'), runner('b', full)]), 'a')
})

test('tells of fifty runners at the most, of the chosen one and the free ones first', () => {
  const busy = Array.from({ length: 80 }, (_, i) => runner(`busy-${i}`, full))
  const free = [runner('free', { busy: 1 }), runner('idle')]
  const decision = choose(job(), [...busy, ...free])
  assert.ok('runnerId' in decision)
  assert.equal(decision.considered.length, 50)
  assert.equal(decision.leftOut, 32)
  assert.deepEqual(
    decision.considered.slice(0, 3).map(({ name }) => name),
    ['idle', 'free', 'busy-0'],
  )
})

test('places a stranger’s job only where the operator lets it run, and others anywhere', () => {
  const open = runner('open', { takesStrangers: true, busy: 1 })
  const candidates = [runner('plain', plain), runner('own'), open]
  const placed = choose(job({ isStranger: true }), candidates)
  assert.ok('runnerId' in placed)
  assert.equal(placed.runnerId, 'runner_open')
  assert.equal(placed.considered[0]?.refusedBecause, "takes no strangers' jobs")
  const own = choose(job(), candidates)
  assert.notEqual('runnerId' in own && own.runnerId, 'runner_open')
})
