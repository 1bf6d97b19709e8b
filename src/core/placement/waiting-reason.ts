import { secretWithheld } from '../secret-rules.ts'
import type { Candidate, WaitingJob } from './placement.ts'
import {
  hasContainers,
  labelsInWords,
  missingLabels,
  refusesStranger,
  stateInWords,
} from './requirements.ts'

const STRANGERS_NEED =
  'it needs a container engine that its --strangers names (oci: and docker: unless told)'

/**
 * Why no runner can take a job now, for a person. Of several reasons the one that has to be mended
 * first: nobody there, nobody with the labels, nobody online, no room.
 */
export function describeWaiting(
  job: WaitingJob,
  candidates: readonly Candidate[],
  needsEngine: boolean,
): string {
  if (candidates.length === 0) return 'no runner is registered: start one with `narwhal runner`'
  const labelled = candidates.filter((candidate) => missingLabels(job, candidate).length === 0)
  if (labelled.length === 0) return describeLabels(job, candidates)
  const wanted = job.labels.length > 0 ? [labelsInWords(job.labels)] : []
  const open = labelled.filter((candidate) => !refusesStranger(job, candidate))
  if (open.length === 0)
    return `no runner${withAll(wanted)} takes strangers' jobs: ${STRANGERS_NEED}`
  const trusted = open.filter(({ grants }) => !secretWithheld(job.secrets, grants))
  if (trusted.length === 0) return describeSecrets(job, open, withAll(wanted))
  if (job.secrets?.length) wanted.push('its secrets')
  const online = trusted.filter(({ state }) => state === 'online')
  if (online.length === 0) return describeAway(trusted, withAll(wanted))
  const able = needsEngine ? online.filter(hasContainers) : online
  if (able.length < online.length) wanted.push('a container engine')
  return describeFull(able, withAll(wanted))
}

function describeSecrets(
  { secrets }: WaitingJob,
  candidates: readonly Candidate[],
  suffix: string,
): string {
  // The first that keeps it from all of them; else they have not all of it together.
  const kept =
    secrets?.find((one) => candidates.every(({ grants }) => secretWithheld([one], grants))) ??
    secrets?.[0]
  const names = kept?.runners.map((one) => runnerInWords(one, candidates)) ?? []
  return `no runner${suffix} may have the secret ${kept?.name}, which is for ${names.join(', ')}`
}

function runnerInWords(runner: string, candidates: readonly Candidate[]): string {
  if (runner.startsWith('label:'))
    return `those that were granted the ${labelsInWords([runner.slice(6)])}`
  return candidates.find(({ runnerId }) => runnerId === runner)?.name ?? 'one that was removed'
}

function withAll(wanted: readonly string[]): string {
  return wanted.length > 0 ? ` with ${wanted.join(' and ')}` : ''
}

function describeLabels(job: WaitingJob, candidates: readonly Candidate[]): string {
  const unknown = job.labels.filter(
    (label) => !candidates.some(({ labels }) => labels.includes(label)),
  )
  if (unknown.length > 0)
    return `needs ${labelsInWords(unknown)}: no runner has ${itOrThem(unknown)}`
  const all = job.labels.length === 2 ? 'both' : 'all of them'
  return `needs ${labelsInWords(job.labels)}: no runner has ${all}`
}

function describeAway(runners: readonly Candidate[], suffix: string): string {
  const states = new Map<string, number>()
  for (const { state } of runners) {
    const words = stateInWords(state)
    states.set(words, (states.get(words) ?? 0) + 1)
  }
  const [first, ...others] = runners
  if (first && others.length === 0) {
    return `the only runner${suffix} is ${stateInWords(first.state)}: ${first.name}`
  }
  const counts = [...states].map(([state, count]) => `${count} ${state}`)
  return `none of the ${runners.length} runners${suffix} is online: ${counts.join(', ')}`
}

function describeFull(runners: readonly Candidate[], suffix: string): string {
  const slots = runners.reduce((sum, runner) => sum + runner.slots, 0)
  const [first, ...others] = runners
  const who =
    first && others.length === 0 ? `runner ${first.name}` : `${runners.length} runners${suffix}`
  if (slots === 0) return `no slots are offered by ${who}`
  return slots === 1 ? `the only slot of ${who} is busy` : `all ${slots} slots of ${who} are busy`
}

function itOrThem(labels: readonly string[]): string {
  if (labels.length === 1) return 'it'
  return labels.length === 2 ? 'either' : 'any of them'
}
