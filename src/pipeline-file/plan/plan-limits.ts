import type { CloneSpec, JobSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { Defaults } from '../schema/file.ts'
import { durationMs, memoryBytes } from '../schema/limits.ts'
import type { WholeJob } from './use-template.ts'

/** If `retry` is just a number. */
const USUAL_RETRY: NonNullable<JobSpec['retry']>['on'] = ['failure', 'timeout']

/** The timeout, retries, resources and other limits of a job, from its own keys or the file's defaults. */
export function planLimits(job: WholeJob, defaults: Defaults): Partial<JobSpec> {
  const { priority, clone } = job
  const own = present({ timeout: job.timeout, retry: job.retry, resources: job.resources })
  const { timeout, retry, resources } = { ...defaults, ...own }
  const { cpu, memory } = resources ?? {}
  const { count, on = USUAL_RETRY } = typeof retry === 'object' ? retry : { count: retry ?? 0 }
  return {
    ...present({
      timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
      retry: count === 0 ? undefined : { count, on: [...new Set(on)] },
      priority: priority || undefined,
      allowFailure: job.allow_failure || undefined,
      resources:
        resources &&
        present({ cpus: cpu, memoryBytes: memory === undefined ? undefined : memoryBytes(memory) }),
    }),
    ...planClone(clone),
  }
}

/** An empty mapping counts as absent. */
function planClone(clone: WholeJob['clone']): Pick<JobSpec, 'clone'> {
  if (clone === undefined || clone === 'none') return clone === undefined ? {} : { clone }
  const { depth, submodules, lfs } = clone
  const spec: CloneSpec = present({
    depth,
    submodules: submodules || undefined,
    lfs: lfs || undefined,
  })
  return Object.keys(spec).length === 0 ? {} : { clone: spec }
}
