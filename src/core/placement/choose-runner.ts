import { present } from '../../lib/present.ts'
import { secretWithheld } from '../secret/secret-rules.ts'
import { heuristics } from './heuristics.ts'
import type {
  Candidate,
  ConsideredRunner,
  Decision,
  HeuristicContext,
  HeuristicName,
  WaitingJob,
} from './placement.ts'
import {
  hasContainers,
  labelsInWords,
  missingLabels,
  refusesStranger,
  stateInWords,
  wantsContainers,
} from './requirements.ts'
import { type WaitingReason, whyNoRunner } from './waiting-reason.ts'

/**
 * Chooses the runner for a job: filters those that can take it now (online, with its labels, an engine for
 * its containers, and a free slot), then applies the heuristic. If none is left, returns why the job waits. A
 * runner that failed the job before comes last.
 *
 * A job with an image or services waits for a runner with a container engine. With `endsWithoutEngine`, if no
 * matching online runner has one, it is placed anyway, and that runner ends it with the reason.
 */
export function chooseRunner(
  job: WaitingJob,
  candidates: readonly Candidate[],
  heuristic: HeuristicName,
  context: HeuristicContext,
): Decision | WaitingReason {
  const needsEngine = mustHaveEngine(job, candidates)
  const refusals = candidates.map((candidate) => findRefusal(job, candidate, needsEngine))
  const eligible = candidates.filter((_, index) => refusals[index] === undefined)
  if (eligible.length === 0) return whyNoRunner(job, candidates, needsEngine)
  const best = withoutAvoided(job, eligible, context.now)
  if (best.length === 0) return { kind: 'avoided', names: eligible.map(({ name }) => name) }
  const { runnerId, reason } = heuristics[heuristic](job, best, context)
  const chosen = candidates.findIndex((candidate) => candidate.runnerId === runnerId)
  const runnerName = candidates[chosen]?.name ?? runnerId
  const considered = listConsidered(candidates, refusals, chosen)
  return { runnerId, runnerName, heuristic, reason, ...considered }
}

/** At most this many runners are stored with a decision: the chosen one first, then free ones. */
const MOST_CONSIDERED = 50

function listConsidered(
  candidates: readonly Candidate[],
  refusals: readonly (string | undefined)[],
  chosen: number,
): Pick<Decision, 'considered' | 'leftOut'> {
  let shown = [...candidates.keys()]
  if (shown.length > MOST_CONSIDERED) {
    const others = shown.filter((index) => index !== chosen)
    const free = others.filter((index) => refusals[index] === undefined)
    const refused = others.filter((index) => refusals[index] !== undefined)
    shown = [chosen, ...free, ...refused].slice(0, MOST_CONSIDERED)
  }
  const considered = shown.map((index): ConsideredRunner => {
    const { runnerId, name, busy, slots } = candidates[index] as Candidate
    const refusedBecause = refusals[index]
    return { runnerId, name, busy, slots, ...present({ refusedBecause }) }
  })
  const leftOut = candidates.length - considered.length
  return { considered, ...present({ leftOut: leftOut || undefined }) }
}

/** Those that haven't failed the job; if none, those that may retry it. */
function withoutAvoided(
  { avoid }: WaitingJob,
  eligible: readonly Candidate[],
  now: number,
): readonly Candidate[] {
  if (avoid.length === 0) return eligible
  const others = eligible.filter((one) => !avoid.some(({ runnerId }) => runnerId === one.runnerId))
  if (others.length > 0) return others
  return eligible.filter(
    (one) => !avoid.some(({ runnerId, until }) => runnerId === one.runnerId && now < until),
  )
}

function mustHaveEngine(job: WaitingJob, candidates: readonly Candidate[]): boolean {
  if (!wantsContainers(job)) return false
  if (!job.endsWithoutEngine) return true
  return candidates.some(
    (candidate) =>
      candidate.state === 'online' &&
      hasContainers(candidate) &&
      missingLabels(job, candidate).length === 0 &&
      secretWithheld(job.secrets, candidate.grants) === undefined,
  )
}

function findRefusal(
  job: WaitingJob,
  candidate: Candidate,
  needsEngine: boolean,
): string | undefined {
  const missing = missingLabels(job, candidate)
  if (missing.length > 0) return `lacks ${labelsInWords(missing)}`
  if (refusesStranger(job, candidate)) return "takes no strangers' jobs"
  const secret = secretWithheld(job.secrets, candidate.grants)
  if (secret) return `may not have the secret ${secret.name}`
  if (candidate.state !== 'online') return `is ${stateInWords(candidate.state)}`
  if (needsEngine && !hasContainers(candidate)) return 'has no container engine'
  if (candidate.slots < 1) return 'offers no slots'
  if (candidate.busy >= candidate.slots) {
    return candidate.slots === 1 ? 'its only slot is busy' : `all ${candidate.slots} slots are busy`
  }
  return undefined
}
