import type { Candidate, WaitingJob } from './placement.ts'

/** Whether a runner has a container engine. */
export function hasContainers({ engines }: Candidate): boolean {
  return engines.includes('docker') || engines.includes('oci') || engines.includes('fake')
}

/** Whether a job needs a container engine. */
export function wantsContainers({ image, containers = false }: WaitingJob): boolean {
  return containers || image !== undefined
}

const NONE: readonly string[] = []

export function missingLabels(job: WaitingJob, { labels }: Candidate): readonly string[] {
  if (job.labels.length === 0) return NONE
  return job.labels.filter((label) => !labels.includes(label))
}

/** Whether the runner refuses the job because it is a stranger's. */
export function refusesStranger(
  { isStranger }: WaitingJob,
  { takesStrangers = false }: Candidate,
): boolean {
  return isStranger === true && !takesStrangers
}

/** "label gpu", "labels gpu and arm64". */
export function labelsInWords(labels: readonly string[]): string {
  const last = labels.at(-1)
  if (labels.length < 2) return `label ${last}`
  return `labels ${labels.slice(0, -1).join(', ')} and ${last}`
}

export function stateInWords(state: Candidate['state']): string {
  return state === 'set_aside' ? 'quarantined' : state
}
