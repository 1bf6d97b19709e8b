import { cacheAffinity } from './cache-affinity.ts'
import { compareLoad, compareText, loadInWords } from './load.ts'
import type { Candidate, Choice, Heuristic, HeuristicName } from './placement.ts'

/** In turn, by name. Fair in numbers of jobs, blind to how long they take. */
const roundRobin: Heuristic = (_job, eligible, { turn }) => {
  const inOrder = eligible.toSorted((a, b) => compareText(a.name, b.name))
  const index = turn % inOrder.length
  return choose(inOrder[index], `in turn: number ${index + 1} of ${inOrder.length} by name`)
}

/** Needs no load figures, but is uneven. */
const random: Heuristic = (_job, eligible, context) => {
  const chosen = eligible[Math.floor(context.random() * eligible.length)]
  return choose(chosen, `at random among ${eligible.length}`)
}

/** Best in theory, but dispatchers with the same figures all choose the same runner. */
const leastLoaded: Heuristic = (_job, eligible) => {
  const best = eligible.reduce((a, b) => (compareLoad(b, a) < 0 ? b : a))
  return choose(best, `least loaded of ${eligible.length}: ${loadInWords(best)}`)
}

/**
 * The less loaded of two random runners: almost as even as the least loaded, but dispatchers with the same
 * stale figures don't all choose the same one.
 */
const powerOfTwo: Heuristic = (_job, eligible, context) => {
  const i = Math.floor(context.random() * eligible.length)
  const j = Math.floor(context.random() * (eligible.length - 1))
  const one = eligible[i]
  const other = eligible[j < i ? j : j + 1]
  if (one === undefined || other === undefined) return choose(one, 'the only one with room')
  const [better, worse] = compareLoad(one, other) <= 0 ? [one, other] : [other, one]
  const words = `less loaded of two at random: ${loadInWords(better)}`
  return choose(better, `${words}; ${worse.name} has ${loadInWords(worse)}`)
}

export const heuristics: Readonly<Record<HeuristicName, Heuristic>> = {
  'round-robin': roundRobin,
  random,
  'least-loaded': leastLoaded,
  'power-of-two': powerOfTwo,
  'cache-affinity': cacheAffinity,
}

/** A heuristic is never called without eligible runners. */
function choose(runner: Candidate | undefined, reason: string): Choice {
  return { runnerId: (runner as Candidate).runnerId, reason }
}
