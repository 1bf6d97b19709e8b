import type { CloneSpec, JobSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { Defaults } from '../schema/file.ts'
import { durationMs, memoryBytes } from '../schema/limits.ts'
import type { WholeJob } from './use-template.ts'

/** When `retry` is only a number. */
const USUAL_RETRY: NonNullable<JobSpec['retry']>['on'] = ['failure', 'timeout']

/** What a job says of its time, its tries and its share, or takes from the file's defaults. */
export function planLimits(job: WholeJob, defaults: Defaults): Partial<JobSpec> {
  const { priority, clone } = job
  const own = present({ timeout: job.timeout, retry: job.retry, resources: job.resources })
  const { timeout, retry, resources } = { ...defaults, ...own }
  const { cpu, memory } = resources ?? {}
  const { count, on = USUAL_RETRY } = typeof retry === 'object' ? retry : { count: retry ?? 0 }
  return {
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) }),
    ...(count === 0 ? {} : { retry: { count, on: [...new Set(on)] } }),
    ...(priority ? { priority } : {}),
    ...planClone(clone),
    ...(job.allow_failure ? { allowFailure: true } : {}),
    ...(resources
      ? {
          resources: {
            ...present({ cpus: cpu }),
            ...(memory === undefined ? {} : { memoryBytes: memoryBytes(memory) }),
          },
        }
      : {}),
  }
}

/** A mapping that asks for nothing is as good as none. */
function planClone(clone: WholeJob['clone']): Pick<JobSpec, 'clone'> {
  if (clone === undefined || clone === 'none') return clone === undefined ? {} : { clone }
  const { depth, submodules, lfs } = clone
  const spec: CloneSpec = {
    ...present({ depth }),
    ...(submodules ? { submodules } : {}),
    ...(lfs ? { lfs } : {}),
  }
  return Object.keys(spec).length === 0 ? {} : { clone: spec }
}
