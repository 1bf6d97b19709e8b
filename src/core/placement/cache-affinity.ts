import { hashToUnit } from './hash.ts'
import { compareText } from './load.ts'
import type { Candidate, Heuristic, WaitingJob } from './placement.ts'

/** How far above the average load a runner may go before the next in line is chosen. */
const LOAD_BOUND = 1.25

const ORDINALS = ['first', 'second', 'third']

/**
 * Sends jobs of the same repository and image to the same runner, where mirrors, images and caches are warm:
 * weighted rendezvous hashing gives every (repository, image) its own order of the runners, weighted by
 * slots. A runner above its bounded load (its share of 1.25 × all jobs, this one included) is passed over, so
 * a busy repository makes no hot spot. When a runner is added or removed, only the keys that it wins or had
 * won move.
 *
 * Vahab Mirrokni, Mikkel Thorup, Morteza Zadimoghaddam: Consistent Hashing with Bounded Loads.
 */
export const cacheAffinity: Heuristic = (job, eligible) => {
  const order = preferenceOrder(job, eligible)
  let jobs = 1
  let slots = 0
  for (const runner of eligible) {
    jobs += runner.busy
    slots += Math.max(1, runner.slots)
  }
  const bound = (runner: Candidate): number =>
    Math.ceil((LOAD_BOUND * jobs * Math.max(1, runner.slots)) / slots)
  // At least one is below its bound, as the bounds add up to more than all jobs.
  const found = order.findIndex((runner) => runner.busy < bound(runner))
  const rank = Math.max(0, found)
  const chosen = order[rank] as Candidate
  return { runnerId: chosen.runnerId, reason: inWords(order, rank, bound) }
}

/** The runners in the order of preference of the job's repository and image. */
function preferenceOrder(job: WaitingJob, runners: readonly Candidate[]): Candidate[] {
  const key = `${job.repositoryId}\n${job.image ?? ''}\n`
  return runners
    .map((runner) => ({
      runner,
      cost: -Math.log(hashToUnit(key + runner.runnerId)) / Math.max(1, runner.slots),
    }))
    .sort((a, b) => a.cost - b.cost || compareText(a.runner.runnerId, b.runner.runnerId))
    .map(({ runner }) => runner)
}

function inWords(
  order: readonly Candidate[],
  rank: number,
  bound: (runner: Candidate) => number,
): string {
  const chosen = order[rank] as Candidate
  const place = ORDINALS[rank] ?? `${rank + 1}th`
  const choice = `${place} choice of ${order.length} for this repository and image`
  const load = `${chosen.busy} of at most ${bound(chosen)} jobs`
  const first = order[0]
  if (rank === 0 || first === undefined) return `${choice}: ${load}`
  const others = rank === 1 ? '' : ` and ${rank - 1} more`
  const passed = `passed over ${first.name} (${first.busy} of at most ${bound(first)})${others}`
  return `${choice}: ${load}; ${passed}`
}
