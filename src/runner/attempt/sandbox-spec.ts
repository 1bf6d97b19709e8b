import type { AttemptOrder } from '../../contract/rpc/attempt-requests.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { SandboxLimits, SandboxSpec } from '../executor/executor.ts'

/**
 * In the container the workspace may belong to another user than the one who runs git there;
 * git(1) then refuses to read it unless told that this is well.
 */
export const GIT_IN_SANDBOX = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
}

/** The sandbox that an attempt needs: what its job asks for, within what the runner gives. */
export function sandboxSpecOf(
  { jobId, attempt, job, commit }: AttemptOrder,
  parts: Pick<SandboxSpec, 'workspace' | 'limits' | 'onService'>,
): SandboxSpec {
  const { workspace, limits, onService } = parts
  return {
    name: `${jobId}/${attempt}`,
    ...present({ image: job.image }),
    source: commit.cloneUrl,
    workspace,
    limits: limitsOf(job, limits),
    isStranger: commit.isStranger ?? false,
    ...present({ network: job.network }),
    ...(job.services ? { services: job.services, ...present({ onService }) } : {}),
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
