import type { AttemptOrder } from '../../contract/rpc/attempt-requests.ts'
import { REGISTRY_LOGIN } from '../../core/plan/image-pull.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { SandboxLimits, SandboxSpec } from '../executor/executor.ts'

/** In a container the workspace may belong to a user other than git's, which git refuses by default. */
export const GIT_IN_SANDBOX = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
}

/** The sandbox of an attempt: what its job asks for, within the runner's limits. */
export function sandboxSpecOf(
  { jobId, attempt, job, commit, secrets }: AttemptOrder,
  parts: Pick<SandboxSpec, 'workspace' | 'limits' | 'onService' | 'onProgress'>,
): SandboxSpec {
  const { workspace, limits, onService, onProgress } = parts
  return {
    name: `${jobId}/${attempt}`,
    ...present({ image: job.image, network: job.network, pull: job.pull }),
    ...present({ registryLogin: secrets[REGISTRY_LOGIN] }),
    source: commit.cloneUrl,
    workspace,
    limits: limitsOf(job, limits),
    isStranger: commit.isStranger ?? false,
    ...present({ onProgress }),
    ...(job.services && { services: job.services, ...present({ onService }) }),
    ...imagesOf(job),
  }
}

/** The variables of the job's secrets for its steps. */
export function secretsOfSteps({
  secrets,
}: Pick<AttemptOrder, 'secrets'>): AttemptOrder['secrets'] {
  const { [REGISTRY_LOGIN]: _, ...others } = secrets
  return others
}

/** The images of the job's steps. */
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
