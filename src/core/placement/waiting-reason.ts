import type { GroupWait } from '../concurrency/group-wait.ts'
import { labelOfGrant, secretWithheld } from '../secret/secret-rules.ts'
import type { Candidate, WaitingJob } from './placement.ts'
import { hasContainers, missingLabels, refusesStranger } from './requirements.ts'

/** The part of a job's requirements that the runners in question meet. */
export interface Wanted {
  readonly labels: readonly string[]
  readonly secrets?: true
  readonly engine?: true
}

/** Who may have a secret: runners granted a label, or one runner by name (undefined: removed). */
export type SecretHolder = { readonly label: string } | { readonly runner: string | undefined }

/** Why a job stays in the queue; `describeWaiting` puts it into plain text. */
export type WaitingReason =
  | { readonly kind: 'no_runner' }
  | { readonly kind: 'unknown_labels'; readonly labels: readonly string[] }
  /** Each of these labels is on some runner, but all of them on none. */
  | { readonly kind: 'no_labels_together'; readonly labels: readonly string[] }
  | { readonly kind: 'no_strangers'; readonly wanted: Wanted }
  | {
      readonly kind: 'secret_withheld'
      readonly wanted: Wanted
      readonly secret: string
      readonly holders: readonly SecretHolder[]
    }
  /** All runners that meet the requirements are unavailable or don't take jobs. */
  | {
      readonly kind: 'offline'
      readonly wanted: Wanted
      readonly runners: readonly Pick<Candidate, 'name' | 'state'>[]
    }
  /** It needs a container engine, and no runner, online or not, has one. */
  | {
      readonly kind: 'no_engine'
      readonly wanted: Wanted
      readonly runners: readonly Pick<Candidate, 'name'>[]
    }
  | {
      readonly kind: 'no_slots' | 'full'
      readonly wanted: Wanted
      readonly runners: readonly Pick<Candidate, 'name' | 'slots'>[]
    }
  /** These runners have just failed it, and no other is free. */
  | { readonly kind: 'avoided'; readonly names: readonly string[] }
  | GroupWait
  /** The database is short of space; `shortage` says why. */
  | { readonly kind: 'no_room'; readonly shortage: string }
  | { readonly kind: 'placing' }

/** Why no runner can take a job now: the reason that has to be fixed first. */
export function whyNoRunner(
  job: WaitingJob,
  candidates: readonly Candidate[],
  needsEngine: boolean,
): WaitingReason {
  if (candidates.length === 0) return { kind: 'no_runner' }
  const labelled = candidates.filter((candidate) => missingLabels(job, candidate).length === 0)
  if (labelled.length === 0) return whyNoLabels(job, candidates)
  const { labels, secrets } = job
  const open = labelled.filter((candidate) => !refusesStranger(job, candidate))
  if (open.length === 0) return { kind: 'no_strangers', wanted: { labels } }
  const trusted = open.filter(({ grants }) => !secretWithheld(secrets, grants))
  if (trusted.length === 0) return whyNoSecret(job, open)
  const wanted: Wanted = { labels, ...(secrets?.length ? { secrets: true } : {}) }
  const online = trusted.filter(({ state }) => state === 'online')
  if (online.length === 0) return { kind: 'offline', wanted, runners: trusted }
  const runners = needsEngine ? online.filter(hasContainers) : online
  if (runners.length === 0) {
    const away = trusted.filter(hasContainers)
    if (away.length === 0) return { kind: 'no_engine', wanted, runners: online }
    return { kind: 'offline', wanted: { ...wanted, engine: true }, runners: away }
  }
  const ofThese: Wanted = runners.length < online.length ? { ...wanted, engine: true } : wanted
  const kind = runners.some(({ slots }) => slots > 0) ? 'full' : 'no_slots'
  return { kind, wanted: ofThese, runners }
}

function whyNoLabels({ labels }: WaitingJob, candidates: readonly Candidate[]): WaitingReason {
  const unknown = labels.filter((label) => !candidates.some((one) => one.labels.includes(label)))
  if (unknown.length > 0) return { kind: 'unknown_labels', labels: unknown }
  return { kind: 'no_labels_together', labels }
}

function whyNoSecret(
  { labels, secrets }: WaitingJob,
  candidates: readonly Candidate[],
): WaitingReason {
  // The first secret that is withheld from all of them; otherwise they lack only the combination.
  const kept =
    secrets?.find((one) => candidates.every(({ grants }) => secretWithheld([one], grants))) ??
    secrets?.[0]
  const holders = kept?.runners.map((one) => holderOf(one, candidates)) ?? []
  return { kind: 'secret_withheld', wanted: { labels }, secret: kept?.name ?? '', holders }
}

function holderOf(holder: string, candidates: readonly Candidate[]): SecretHolder {
  const label = labelOfGrant(holder)
  if (label !== undefined) return { label }
  return { runner: candidates.find(({ runnerId }) => runnerId === holder)?.name }
}
