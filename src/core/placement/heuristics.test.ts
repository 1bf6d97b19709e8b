import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RunnerId } from '../ids.ts'
import { heuristics } from './heuristics.ts'
import type { Candidate, Heuristic, HeuristicContext, WaitingJob } from './placement.ts'
import { HEURISTICS } from './placement.ts'

const fixed: HeuristicContext = { now: 0, random: () => 0, turn: 0 }

function runner(name: string, parts: Partial<Candidate> = {}): Candidate {
  return {
    runnerId: `runner_${name}`,
    name,
    labels: [],
    engines: ['docker'],
    slots: 4,
    busy: 0,
    load: 0,
    state: 'online',
    ...parts,
  }
}

function job(repository: string | number, image = 'node:24'): WaitingJob {
  return {
    jobId: 'job_1',
    repositoryId: `repo_${repository}`,
    image,
    labels: [],
    queuedAt: 0,
    followers: 0,
    priority: 0,
    avoid: [],
  }
}

const fleet = (size: number, slots = 4) =>
  Array.from({ length: size }, (_, i) => runner(String(i), { slots }))

/** The same numbers in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('round-robin goes through the runners by name', () => {
  const eligible = [runner('b'), runner('a'), runner('c')]
  const turns = [0, 1, 2, 3].map(
    (turn) => heuristics['round-robin'](job(1), eligible, { ...fixed, turn }).runnerId,
  )
  assert.deepEqual(turns, ['runner_a', 'runner_b', 'runner_c', 'runner_a'])
})

test('random takes the runner that is drawn', () => {
  const draw = (random: number) =>
    heuristics.random(job(1), fleet(4), { now: 0, turn: 0, random: () => random }).runnerId
  assert.deepEqual([0, 0.25, 0.999].map(draw), ['runner_0', 'runner_1', 'runner_3'])
})

test('least-loaded compares shares of slots, then the machine, then names', () => {
  const best = (...eligible: Candidate[]) =>
    heuristics['least-loaded'](job(1), eligible, fixed).runnerId
  const big = runner('big', { slots: 8, busy: 3 })
  assert.equal(best(runner('small', { slots: 2, busy: 1 }), big), 'runner_big')
  assert.equal(best(runner('a', { load: 0.5 }), runner('b', { load: 0.1 })), 'runner_b')
  assert.equal(best(runner('b'), runner('a')), 'runner_a')
})

test('power-of-two compares two different runners only', () => {
  const eligible = [runner('a', { busy: 3 }), runner('b', { busy: 2 }), runner('c')]
  // Both draws are 0: the first, and the first of the others. The idle third is not looked at.
  const choice = heuristics['power-of-two'](job(1), eligible, fixed)
  assert.deepEqual(choice, {
    runnerId: 'runner_b',
    reason:
      'less loaded of two at random: 2 of 4 slots busy, machine load 0.00; ' +
      'a has 3 of 4 slots busy, machine load 0.00',
  })
  assert.equal(
    heuristics['power-of-two'](job(1), [runner('a')], fixed).reason,
    'the only one with room',
  )
})

test('cache-affinity says which choice it was, and who was passed over', () => {
  const reasons = simulate(heuristics['cache-affinity'], {
    runners: fleet(3),
    jobs: Array.from({ length: 3 }, () => ({ job: job(1), ticks: 10 })),
    perTick: 3,
  }).reasons
  assert.equal(reasons[0], 'first choice of 3 for this repository and image: 0 of at most 1 jobs')
  assert.match(
    reasons[1] ?? '',
    /^second choice of 3 .*: 0 of at most 1 jobs; passed over \d \(1 of at most 1\)$/,
  )
  // With three jobs the bound has grown, and the first has room again.
  assert.equal(reasons[2], 'first choice of 3 for this repository and image: 1 of at most 2 jobs')
})

test('every heuristic chooses one of the runners and gives a reason', () => {
  const eligible = fc.uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 4 }),
      slots: fc.integer({ min: 1, max: 16 }),
      busy: fc.nat(15),
      load: fc.double({ min: 0, max: 4, noNaN: true }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
  )
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(
      eligible,
      fc.constantFrom(...HEURISTICS),
      fc.nat(),
      draw,
      (parts, name, turn, r) => {
        const runners = parts.map((part) => runner(part.name, part))
        const choice = heuristics[name](job(1), runners, { now: 0, turn, random: () => r })
        assert.ok(runners.some(({ runnerId }) => runnerId === choice.runnerId))
        assert.ok(choice.reason.length > 0)
      },
    ),
  )
})

const affinity = heuristics['cache-affinity']
/** Affinity that knows no bound: to it, everybody is idle. */
const pureAffinity: Heuristic = (wanted, eligible, context) =>
  affinity(
    wanted,
    eligible.map((one) => ({ ...one, busy: 0 })),
    context,
  )

test('cache-affinity keeps a busy repository from making a hot spot, which pure affinity does', () => {
  const burst = {
    runners: fleet(4, 100),
    jobs: Array.from({ length: 80 }, () => ({ job: job(1), ticks: 10 })),
    perTick: 80,
  }
  assert.equal(simulate(pureAffinity, burst).mostBusy, 80)
  assert.equal(simulate(affinity, burst).mostBusy, 25)
})

test('cache-affinity finds a warm cache far more often than the others', () => {
  const random = seeded(7)
  const jobs = Array.from({ length: 600 }, () => ({
    job: job(Math.floor(random() * 40)),
    ticks: 1 + Math.floor(random() * 4),
  }))
  const cold = (name: keyof typeof heuristics) =>
    simulate(heuristics[name], { runners: fleet(10), jobs, perTick: 4, cacheSize: 8 }).cold
  const withAffinity = cold('cache-affinity')
  for (const name of HEURISTICS.filter((other) => other !== 'cache-affinity')) {
    assert.ok(
      withAffinity * 1.5 < cold(name),
      `${withAffinity} cold with it, ${name} ${cold(name)}`,
    )
  }
})

test('round-robin makes lumps of jobs of unequal length, power-of-two does not', () => {
  // Every fourth job is long, and there are four runners: all long ones meet on one of them.
  const jobs = Array.from({ length: 400 }, (_, i) => ({ job: job(i), ticks: i % 4 === 0 ? 20 : 1 }))
  const most = (name: keyof typeof heuristics) =>
    simulate(heuristics[name], { runners: fleet(4, 100), jobs, perTick: 4 }).mostBusy
  assert.ok(most('round-robin') >= 20, String(most('round-robin')))
  assert.ok(most('power-of-two') <= 12, String(most('power-of-two')))
  assert.ok(most('power-of-two') < most('random'), String(most('random')))
})

test('with stale figures least-loaded herds to one runner, power-of-two spreads', () => {
  const runners = fleet(10).map((one, i) => ({ ...one, busy: i % 3 }))
  const random = seeded(3)
  const chosen = (name: keyof typeof heuristics) =>
    new Set(
      Array.from({ length: 50 }, (_, turn) => {
        return heuristics[name](job(turn), runners, { now: 0, turn, random }).runnerId
      }),
    ).size
  assert.equal(chosen('least-loaded'), 1)
  assert.ok(chosen('power-of-two') >= 5)
})

test('when a runner joins, only about one key in n moves, and only to it', () => {
  const keys = Array.from({ length: 2000 }, (_, i) => job(i, `image-${i % 3}`))
  const place = (runners: Candidate[]) => keys.map((key) => affinity(key, runners, fixed).runnerId)
  const before = place(fleet(9))
  const after = place(fleet(10))
  const moved = after.filter((id, i) => id !== before[i])
  assert.deepEqual(new Set(moved), new Set<RunnerId>(['runner_9']))
  assert.ok(moved.length > 140 && moved.length < 260, String(moved.length))
})

test('a runner with three times the slots is the first choice of three times the keys', () => {
  const runners = [runner('small', { slots: 2 }), runner('large', { slots: 6 })]
  const keys = Array.from({ length: 2000 }, (_, i) => job(i))
  const large = keys.filter((key) => affinity(key, runners, fixed).runnerId === 'runner_large')
  assert.ok(large.length > 1400 && large.length < 1600, String(large.length))
})

test('the order of the given runners does not change what affinity chooses', () => {
  for (let i = 0; i < 50; i++) {
    const chosen = affinity(job(i), fleet(7), fixed)
    assert.deepEqual(affinity(job(i), fleet(7).toReversed(), fixed), chosen)
  }
})

interface Simulated {
  readonly runners: readonly Candidate[]
  readonly jobs: readonly { readonly job: WaitingJob; readonly ticks: number }[]
  /** Jobs that arrive in each tick. */
  readonly perTick: number
  /** How many repositories a runner's cache holds. */
  readonly cacheSize?: number
}

/** Places the jobs tick by tick; each holds a slot for its ticks. A job without room waits. */
function simulate(heuristic: Heuristic, { runners, jobs, perTick, cacheSize = 100 }: Simulated) {
  const random = seeded(1)
  const ends = new Map(runners.map(({ runnerId }) => [runnerId, [] as number[]]))
  const caches = new Map(runners.map(({ runnerId }) => [runnerId, [] as string[]]))
  const result = { mostBusy: 0, cold: 0, reasons: [] as string[] }
  const queue = [...jobs]
  let turn = 0
  for (let tick = 0, arrived = 0; queue.length > 0; tick++) {
    arrived += perTick
    for (const [id, list] of ends) {
      ends.set(
        id,
        list.filter((end) => end > tick),
      )
    }
    while (turn < arrived) {
      const eligible = runners
        .map((one) => ({ ...one, busy: ends.get(one.runnerId)?.length ?? 0 }))
        .filter(({ busy, slots }) => busy < slots)
      const next = eligible.length > 0 ? queue.shift() : undefined
      if (!next) break
      const { runnerId, reason } = heuristic(next.job, eligible, { now: 0, random, turn: turn++ })
      const running = ends.get(runnerId) ?? []
      running.push(tick + next.ticks)
      const cache = caches.get(runnerId) ?? []
      const { repositoryId } = next.job
      if (!cache.includes(repositoryId)) result.cold++
      caches.set(
        runnerId,
        [repositoryId, ...cache.filter((one) => one !== repositoryId)].slice(0, cacheSize),
      )
      result.mostBusy = Math.max(result.mostBusy, running.length)
      result.reasons.push(reason)
    }
  }
  return result
}
