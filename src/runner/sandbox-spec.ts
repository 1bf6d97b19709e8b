import type { JobSpec } from '../core/plan.ts'
import type { AttemptOrder } from './attempt.ts'
import type { SandboxLimits, SandboxSpec } from './executor/executor.ts'

/** The sandbox that an attempt needs: what its job asks for, within what the runner gives. */
export function sandboxSpecOf(
  { jobId, attempt, job, commit }: AttemptOrder,
  parts: Pick<SandboxSpec, 'workspace' | 'limits' | 'onService'>,
): SandboxSpec {
  const { workspace, limits, onService } = parts
  return {
    name: `${jobId}/${attempt}`,
    ...(job.image === undefined ? {} : { image: job.image }),
    workspace,
    limits: limitsOf(job, limits),
    isStranger: commit.isStranger ?? false,
    ...(job.network ? { network: job.network } : {}),
    ...(job.services ? { services: job.services, ...(onService ? { onService } : {}) } : {}),
    ...imagesOf(job),
  }
}

/** The images of its steps. */
function imagesOf({ steps }: JobSpec): { images?: string[] } {
  const images = [...new Set(steps.flatMap(({ image }) => image ?? []))]
  return images.length > 0 ? { images } : {}
}

function limitsOf({ resources }: JobSpec, limits: SandboxLimits): SandboxLimits {
  const { cpus = limits.cpus, memoryBytes = limits.memoryBytes } = resources ?? {}
  return {
    ...limits,
    cpus: Math.min(cpus, limits.cpus),
    memoryBytes: Math.min(memoryBytes, limits.memoryBytes),
  }
}
