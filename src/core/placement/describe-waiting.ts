import { unreachable } from '../../lib/reach/unreachable.ts'
import { describeGroupWait } from '../concurrency/group-wait.ts'
import { labelsInWords, stateInWords } from './requirements.ts'
import type { SecretHolder, WaitingReason, Wanted } from './waiting-reason.ts'

type Of<Kind extends WaitingReason['kind']> = Extract<WaitingReason, { readonly kind: Kind }>

const STRANGERS_NEED =
  'it needs a container engine that its --strangers names (by default oci: and docker:)'

/** Why a job waits, in plain text: "no runner has the label gpu". */
export function describeWaiting(reason: WaitingReason): string {
  switch (reason.kind) {
    case 'no_runner':
      return 'no runner is registered: start one with `narwhal runner`'
    case 'unknown_labels':
      return `no runner has ${reason.labels.length > 1 ? 'any of ' : ''}the ${labelsInWords(reason.labels)}`
    case 'no_labels_together':
      return `no runner has all of the ${labelsInWords(reason.labels)}`
    case 'no_strangers':
      return `no runner${withAll(reason.wanted)} takes strangers' jobs: ${STRANGERS_NEED}`
    case 'secret_withheld':
      return describeSecret(reason)
    case 'offline':
      return describeAway(reason)
    case 'no_engine':
      return describeEngineless(reason)
    case 'no_slots':
    case 'full':
      return describeFull(reason)
    case 'avoided':
      return `just failed on ${reason.names.join(', ')}, and no other runner is free`
    case 'group':
      return describeGroupWait(reason)
    case 'no_room':
      return reason.shortage
    case 'placing':
      return 'is about to be placed'
    default:
      return unreachable(reason)
  }
}

function describeSecret({ wanted, secret, holders }: Of<'secret_withheld'>): string {
  const names = holders.map(holderInWords).join(', ')
  return `no runner${withAll(wanted)} may have the secret ${secret}, which is for ${names}`
}

function holderInWords(holder: SecretHolder): string {
  if ('label' in holder) return `those that were granted the ${labelsInWords([holder.label])}`
  return holder.runner ?? 'one that was removed'
}

function describeAway({ wanted, runners }: Of<'offline'>): string {
  const suffix = withAll(wanted)
  const [first, ...others] = runners
  if (first && others.length === 0) {
    return `the only runner${suffix} is ${stateInWords(first.state)}: ${first.name}`
  }
  const states = new Map<string, number>()
  for (const { state } of runners) {
    const words = stateInWords(state)
    states.set(words, (states.get(words) ?? 0) + 1)
  }
  const counts = [...states].map(([state, count]) => `${count} ${state}`)
  return `none of the ${runners.length} runners${suffix} is online: ${counts.join(', ')}`
}

function describeEngineless({ wanted, runners }: Of<'no_engine'>): string {
  const [first, ...others] = runners
  const who =
    first && others.length === 0
      ? `runner ${first.name} has none`
      : `none of the ${runners.length} runners${withAll(wanted)} that are online has one`
  return `needs a container engine, and ${who}: install crun and skopeo on its machine, or start Docker or Podman there`
}

function describeFull({ kind, wanted, runners }: Of<'no_slots' | 'full'>): string {
  const [first, ...others] = runners
  const who =
    first && others.length === 0
      ? `runner ${first.name}`
      : `${runners.length} runners${withAll(wanted)}`
  if (kind === 'no_slots') return `no slots are offered by ${who}`
  const slots = runners.reduce((sum, runner) => sum + runner.slots, 0)
  return slots === 1 ? `the only slot of ${who} is busy` : `all ${slots} slots of ${who} are busy`
}

function withAll({ labels, secrets, engine }: Wanted): string {
  const parts = [
    ...(labels.length > 0 ? [labelsInWords(labels)] : []),
    ...(secrets ? ['its secrets'] : []),
    ...(engine ? ['a container engine'] : []),
  ]
  return parts.length > 0 ? ` with ${parts.join(' and ')}` : ''
}
