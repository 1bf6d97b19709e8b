import type { JobSpec } from '../../../core/plan.ts'
import type { Defaults } from '../schema/file.ts'
import { durationMs, memoryBytes } from '../schema/limits.ts'
import type { WholeJob } from './use-template.ts'

/** When `retry` is only a number. */
const USUAL_RETRY: NonNullable<JobSpec['retry']>['on'] = ['failure', 'timeout']

/** What a job says of its time, its tries and its share, or takes from the file's defaults. */
export function planLimits(job: WholeJob, defaults: Defaults): Partial<JobSpec> {
  const { timeout, retry, resources } = { ...defaults, ...present(job) }
  const { priority, clone } = job
  const depth = clone === 'none' ? undefined : clone?.depth
  const { cpu, memory } = resources ?? {}
  const { count, on = USUAL_RETRY } = typeof retry === 'object' ? retry : { count: retry ?? 0 }
  return {
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) }),
    ...(count === 0 ? {} : { retry: { count, on: [...new Set(on)] } }),
    ...(priority ? { priority } : {}),
    ...(clone === 'none' ? { clone } : depth === undefined ? {} : { clone: { depth } }),
    ...(job.allow_failure ? { allowFailure: true } : {}),
    ...(resources
      ? {
          resources: {
            ...(cpu === undefined ? {} : { cpus: cpu }),
            ...(memory === undefined ? {} : { memoryBytes: memoryBytes(memory) }),
          },
        }
      : {}),
  }
}

function present({ timeout, retry, resources }: WholeJob): Partial<WholeJob> {
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(retry === undefined ? {} : { retry }),
    ...(resources === undefined ? {} : { resources }),
  }
}
